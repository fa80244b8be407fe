// The bar above the map: what to find, which layout, which colours; and the tools at its side.

import { searchField, toolButton } from "../parts/controls.js";
import { h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { LAYOUTS } from "./atlas.js";

const TITLES = {
  latent: ["By model", "Sounds that are close to each other in the model lie together"],
  sound: ["By ear", "Sounds that measure alike lie together"],
};
const ZOOM = 1.6; // at a click on the tool
const NARROW = matchMedia("(max-width: 1179px)");

/**
 * @param {import("./atlas.js").Atlas} atlas
 * @param {import("../document/types.js").Model} model
 * @param {object} on
 * @param {() => void} on.find at every change of what is typed
 * @param {() => void} on.go at Enter
 * @param {() => void} on.leave at Escape
 * @param {(layout: string) => void} on.arrange
 * @param {() => void} on.paint when other colours are chosen
 */
export function createBar(atlas, model, on) {
  const search = searchField({
    id: "map-search",
    placeholder: NARROW.matches ? "Find" : "Find: flute, dark slow pad",
    "aria-label": "Find sounds on the map, by name or character",
    changed: on.find,
    escaped: on.leave,
    onkeydown: (event) => event.key === "Enter" && on.go(),
  });
  const layouts = LAYOUTS.map((name) =>
    h("button", { title: TITLES[name][1], onclick: () => on.arrange(name) }, TITLES[name][0]),
  );
  const choices = [
    ...(model.families.length ? [["family", "Family"]] : []),
    ...atlas.descriptors.map(({ name, title }) => [name, title]),
  ];
  const colour = h(
    "select",
    { id: "map-colour", onchange: on.paint },
    ...choices.map(([value, title]) => h("option", { value }, title)),
  );
  const filters = h("div", { class: "filters", role: "group", "aria-label": "Filters", hidden: true });
  return {
    filters,
    /** @param {{text: string, remove: () => void}[]} shown  what narrows the points down, besides what is typed */
    showFilters(shown) {
      filters.hidden = !shown.length;
      filters.replaceChildren(
        ...shown.map(({ text, remove }) =>
          h("button", { "aria-label": `Remove the filter: ${text}`, onclick: remove }, text, icon("close")),
        ),
      );
    },
    element: h(
      "div",
      { class: "map-bar" },
      search,
      h("div", { class: "choices", role: "group", "aria-label": "Layout" }, ...layouts),
      h("label", { for: "map-colour" }, "Colour"),
      colour,
    ),
    get query() {
      return search.value;
    },
    // What the colours tell: "family" or a descriptor's name.
    get colour() {
      return colour.value;
    },
    press: (name) =>
      LAYOUTS.forEach((layout, index) => layouts[index].setAttribute("aria-pressed", String(layout === name))),
  };
}

// The tools on the map. changed(mode) is told what a drag does: "hand" moves the map, "lasso" selects, null plays.
export function createTools(sky, changed) {
  let mode = null;
  const modes = [
    ["hand", "Move the map"],
    ["lasso", "Select by drawing around (or hold Alt)"],
  ].map(([name, label]) => ({
    name,
    button: toolButton(label, name, () => choose(mode === name ? null : name), { "aria-pressed": "false" }),
  }));

  function choose(name) {
    mode = name;
    for (const one of modes) one.button.setAttribute("aria-pressed", String(one.name === mode));
    changed(mode);
  }

  const zoom = (factor) => sky.zoom(factor, sky.middle(), { soon: true });
  return {
    element: h(
      "div",
      { class: "map-tools", role: "group", "aria-label": "Map" },
      ...modes.map(({ button }) => button),
      toolButton("Zoom in", "zoomIn", () => zoom(ZOOM), { class: "tool zooms" }),
      toolButton("Zoom out", "zoomOut", () => zoom(1 / ZOOM), { class: "tool zooms" }),
      toolButton("Show all", "showAll", () => sky.fit()),
    ),
    mode: () => mode,
  };
}
