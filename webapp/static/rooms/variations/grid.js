// The tiles of the variations: heard under the pointer or by the arrow keys, taken by a click.

import { h } from "../../parts/dom.js";
import { icon } from "../../parts/icons.js";
import { toggleFavourite } from "../../parts/keeping.js";
import { createTaps } from "../../parts/taps.js";
import { thumb } from "../../parts/thumbs.js";
import { hueOf, soundText } from "../../document/sound.js";
import { COUNT } from "../../document/variations.js";

// take(tile, slot) when one is clicked, `slot` being "b" with Shift and else undefined; picked(index) when it is picked to breed.
export function createGrid(studio, { take, picked }) {
  let tiles = []; // {sound, name}
  let parents = []; // their places among the tiles
  const taps = createTaps(studio);

  const element = h("div", {
    class: "litter",
    role: "group",
    "aria-label": "Variations",
    onkeydown: walk,
    onpointerleave: () => studio.hush(),
  });

  function cellOf({ sound, name }, index) {
    const isParent = parents.includes(index);
    const pick = h(
      "button",
      {
        class: "pick",
        tabindex: index === parents[0] ? "0" : "-1",
        "aria-label": isParent ? `${name} (parent)` : name,
        title: "Click to use this sound, Shift-click to put it into B",
        onpointerdown: taps.press,
        onclick: (event) =>
          taps.isFirst(event.currentTarget, sound) || take(tiles[index], event.shiftKey ? "b" : undefined),
        onpointerenter: (event) => event.pointerType !== "touch" && studio.project.audition && studio.listen(sound),
      },
      thumb(studio, sound, studio.project.note, "large"),
      h("span", { class: "words" }, isParent ? name : shortName(name)),
    );
    const act = (kind, label, title, onclick) =>
      h("button", { class: `act ${kind}`, "aria-label": label, title, "aria-pressed": "false", onclick }, icon(kind));
    const breed = act("between", `Breed ${name}`, "Pick two to breed", () => picked(index));
    const star = act("star", `Keep ${name} as favourite`, "Keep as favourite", () =>
      toggleFavourite(studio, sound, name, studio.project.note),
    );
    const cell = h("div", { class: isParent ? "cell parent" : "cell" }, pick, breed, star);
    cell.style.setProperty("--hue", hueOf(sound, studio.model));
    return cell;
  }

  function walk(event) {
    const cells = [...element.children];
    const at = cells.findIndex((cell) => cell.contains(document.activeElement));
    const columns = getComputedStyle(element).gridTemplateColumns.split(" ").length;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (at < 0 || !by || !cells[at + by]) return;
    event.preventDefault();
    for (const cell of cells) cell.firstChild.tabIndex = cell === cells[at + by] ? 0 : -1;
    cells[at + by].firstChild.focus();
    studio.listen(tiles[at + by].sound);
  }

  return {
    element,
    fill(generation) {
      ({ tiles, parents } = generation);
      element.replaceChildren(...tiles.map(cellOf));
      element.classList.toggle("ten", tiles.length > COUNT + 1);
    },
    // Shows which tiles are picked (a set of places), starred, and which one plays now. Returns whether one does.
    mark(chosen) {
      const now = studio.soundText;
      const favourites = new Set(studio.library.favourites.map(({ sound }) => soundText(sound)));
      const texts = tiles.map(({ sound }) => soundText(sound));
      [...element.children].forEach((cell, index) => {
        const [pick, breed, star] = cell.children;
        pick.setAttribute("aria-current", String(texts[index] === now));
        breed.setAttribute("aria-pressed", String(chosen.has(index)));
        star.setAttribute("aria-pressed", String(favourites.has(texts[index])));
      });
      return texts.includes(now);
    },
  };
}

// "Cello · child 4 of 2 × 7" -> "child 4"
const shortName = (name) => name.split(" · ").at(-1).split(" of ")[0];
