// A row of a list of kept sounds, and the form that takes its place while it is renamed.

import { tagsOf } from "../document/memory.js";
import { bendText, instrumentOf, leadingInstrument } from "../document/sound.js";
import { cutName, h } from "./dom.js";
import { carries } from "./dragdrop.js";
import { icon } from "./icons.js";
import { openOriginal } from "./originals.js";
import { thumb } from "./thumbs.js";

const act = (text, name, onclick) =>
  h("button", { class: "act", "aria-label": text, title: text, tabindex: "-1", onclick }, icon(name));

// `name` is what the item is called here. `on` holds what the row's buttons do: put(slot), point(event), drop(), how
// fingers tap (`taps`), and those that this list has of star(), toBasket(), shift(by), edit(). Returns {item, element, pick, star}.
export function createRow(studio, item, name, on) {
  const { model } = studio;
  const instrument = instrumentOf(leadingInstrument(item.sound), model);
  const told = bendText(item.sound, model) || (instrument?.family.title ?? model.title);
  const about = item.tags.length ? item.tags.flatMap((tag) => [h("span", { class: "tag" }, tag), " "]) : [told, " "];
  const pitch = studio.pitchName(item.note) ?? "";
  const pick = h(
    "button",
    {
      class: "pick",
      "aria-label": [name, ...(item.tags.length ? item.tags : [told]), pitch].filter(Boolean).join(" "),
      tabindex: "-1",
      title: `${name}: click for A, Shift-click for B`,
      onpointerdown: on.taps.press,
      onclick: (event) => on.taps.isFirst(row, item.sound) || on.put(event.shiftKey ? "b" : "a"),
      onpointerenter: on.point,
    },
    thumb(studio, item.sound, item.note),
    h(
      "span",
      { class: "words" },
      cutName("strong", name),
      " ", // between what is read
      h("span", { class: "about" }, ...about, h("span", { class: "key-name" }, pitch)),
    ),
  );
  const intoB = h(
    "button",
    {
      class: "act letter",
      "aria-label": `Put ${name} into B`,
      title: "Into B",
      tabindex: "-1",
      onclick: () => on.put("b"),
    },
    "B",
  );
  const star = on.star ? act("Keep as favourite", "star", on.star) : null;
  star?.classList.add("star");
  const acts = h(
    "div",
    { class: "acts" },
    intoB,
    star,
    on.toBasket ? act(`Send ${name} to the pack basket`, "basket", on.toBasket) : null,
    on.shift ? act(`Move ${name} up`, "up", () => on.shift(-1)) : null,
    on.shift ? act(`Move ${name} down`, "down", () => on.shift(1)) : null,
    item.original ? act(`Compare ${name} with its recording`, "wave", () => openOriginal(item)) : null,
    on.edit ? act(`Rename or tag ${name}`, "pen", on.edit) : null,
    act(`Delete ${name}`, "bin", on.drop),
  );
  const row = h("li", { "data-id": item.id }, pick, acts);
  carries(row, () => ({ sound: item.sound, name: item.name || null }));
  return { item, element: row, pick, star };
}

// `finish(change)` gets {name, tags}, or null where nothing is to change. Returns {item, element, pick}.
export function createForm(item, title, finish) {
  const name = h("input", { type: "text", "aria-label": "Name", value: title, maxlength: "120" });
  const tags = h("input", {
    type: "text",
    "aria-label": "Tags",
    value: item.tags.join(", "),
    placeholder: "tags, separated by commas",
  });
  const sheet = h(
    "form",
    {
      class: "edit",
      onsubmit: (event) => (
        event.preventDefault(),
        finish({ name: name.value.trim() || title, tags: tagsOf(tags.value) })
      ),
      onkeydown: (event) => event.key === "Escape" && finish(null),
    },
    name,
    tags,
    h(
      "div",
      {},
      h("button", { class: "button strong" }, "Save"),
      h("button", { class: "button", type: "button", onclick: () => finish(null) }, "Cancel"),
    ),
  );
  return { item, element: h("li", { "data-id": item.id }, sheet), pick: name };
}
