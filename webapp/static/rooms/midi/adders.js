// What adds sounds to the path: the one that plays now, A, B, and the favourites.

import { h } from "../../parts/dom.js";
import { spread } from "../../document/songpath.js";
import { contentHere, contentOf } from "./path.js";

export function createAdders(studio, path) {
  const here = h("button", { class: "button", onclick: () => path.add(contentHere(studio)) }, "This sound");
  const slots = ["a", "b"].map((slot) => {
    const letter = slot.toUpperCase();
    const content = () => contentOf(studio, studio.project.slots[slot]);
    const button = h(
      "button",
      { class: "button", "aria-label": `Add sound ${letter}`, onclick: () => path.add(content()) },
      letter,
    );
    return { button, content };
  });
  const favourites = h("select", { "aria-label": "Add a favourite", onchange: addFavourite });
  const even = h(
    "button",
    {
      class: "button",
      title: "Spread the sounds evenly over the song",
      onclick: () => path.change(spread(path.stops)),
    },
    "Spread evenly",
  );

  function addFavourite() {
    const item = studio.library.favourites.find(({ id }) => id === favourites.value);
    if (item) path.add(contentOf(studio, item));
    favourites.value = "";
  }

  return {
    element: h(
      "div",
      { class: "adders" },
      h("span", { class: "label" }, "Add"),
      here,
      ...slots.map(({ button }) => button),
      favourites,
      even,
    ),
    draw() {
      here.title = contentHere(studio).name;
      for (const { button, content } of slots) button.title = content().name;
      const items = studio.library.favourites;
      favourites.hidden = !items.length;
      favourites.replaceChildren(
        h("option", { value: "" }, "Favourite …"),
        ...items.map((item) => h("option", { value: item.id }, contentOf(studio, item).name)),
      );
      even.disabled = path.stops.length < 2;
    },
  };
}
