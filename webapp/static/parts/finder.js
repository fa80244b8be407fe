// Finding among kept sounds: a field for words of their names, tags and instruments, and their tags to click on.

import { allTags, filterItems } from "../document/memory.js";
import { instrumentOf, leadingInstrument, titleOf } from "../document/sound.js";
import { searchField } from "./controls.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

const MOST_TAGS = 12; // offered for a click: the most used

/**
 * @param {import("../types.js").Studio} studio
 * @param {{id: string, what: string, changed: () => void}} options  `what` is read in "Filter favourites"
 */
export function createFinder({ model }, { id, what, changed }, ...tools) {
  let tag = null; // the one that was clicked
  const field = searchField({
    id,
    placeholder: "Filter by name or tag",
    "aria-label": `Filter ${what} by name or tag`,
    changed,
  });
  const tags = h("div", { class: "tags", role: "group", "aria-label": "Tags" });
  const none = h("p", { class: "none", role: "status", hidden: true });
  const bar = h("div", { class: "finding" }, h("div", { class: "search" }, icon("search"), field), ...tools);

  const about = ({ sound }) =>
    `${titleOf(sound, model)} ${instrumentOf(leadingInstrument(sound), model)?.family.title ?? ""}`;

  function choose(name) {
    tag = tag === name ? null : name;
    changed();
  }

  function drawTags(items) {
    const offered = allTags(items).slice(0, MOST_TAGS);
    if (tag && !offered.includes(tag)) tag = null;
    tags.hidden = !offered.length;
    tags.replaceChildren(
      ...offered.map((name) =>
        h("button", { class: "tag", "aria-pressed": String(name === tag), onclick: () => choose(name) }, name),
      ),
    );
  }

  return {
    element: h("div", { class: "finder" }, bar, tags, none),
    /**
     * The items that are looked for; shows the tags of all.
     * @param {import("../document/types.js").Item[]} items
     */
    find(items) {
      drawTags(items);
      const found = filterItems(items, field.value, about).filter((item) => !tag || item.tags.includes(tag));
      none.hidden = found.length > 0 || !items.length;
      none.textContent = none.hidden ? "" : `Nothing matches “${[field.value, tag].filter(Boolean).join(" · ")}”.`;
      return found;
    },
  };
}
