// The list of instruments under their families: which of them are in sight, and which one Enter would choose.

import { carries } from "../../parts/dragdrop.js";
import { h } from "../../parts/dom.js";
import { matches } from "../../document/search.js";
import { instrumentSound } from "../../document/project.js";

const FAMILY_HEIGHT = 30; // CSS pixels of a family's name, which stays at the top of the list and covers what is below it
const MARGIN = 40; // CSS pixels kept above and below an instrument that is scrolled to

/**
 * @param {import("../../document/types.js").Model} model
 * @param {object} on
 * @param {(name: string, slot: "b" | undefined) => void} on.choose at a click, with Shift for slot b
 * @param {(option: HTMLElement | undefined) => void} on.pointed when another one, or none, would be chosen by Enter
 */
export function createList(model, { choose, pointed }) {
  const options = new Map(); // name -> option element
  let active = null; // name of the option that Enter would choose

  const element = h("div", {
    id: "instrument-list",
    role: "listbox",
    "aria-label": "Instruments by family",
    tabindex: "-1",
  });
  for (const [index, family] of model.families.entries()) {
    const group = h(
      "div",
      { role: "group", "aria-labelledby": `family-${index}`, style: `--hue: ${family.hue}` },
      h("div", { class: "family-name", id: `family-${index}`, role: "presentation" }, family.title),
    );
    for (const { name, title } of family.instruments) {
      const option = h(
        "div",
        {
          role: "option",
          id: `instrument-${name}`,
          "data-name": name,
          "data-family": family.title,
          onclick: (event) => choose(name, event.shiftKey ? "b" : undefined),
        },
        title,
      );
      carries(option, () => ({ sound: instrumentSound(name), name: null }));
      options.set(name, option);
      group.append(option);
    }
    element.append(group);
  }

  // scrollIntoView would also scroll the page, away from the piano.
  function reveal(option) {
    const box = element.getBoundingClientRect();
    const row = option.getBoundingClientRect();
    if (row.top < box.top + FAMILY_HEIGHT) element.scrollTop += row.top - box.top - MARGIN;
    else if (row.bottom > box.bottom) element.scrollTop += row.bottom - box.bottom + MARGIN;
  }

  function point(name) {
    options.get(active)?.classList.remove("active");
    active = name ?? null;
    const option = options.get(active);
    option?.classList.add("active");
    pointed(option);
    if (option) reveal(option);
  }

  const shown = () => [...options].filter(([, option]) => !option.hidden).map(([name]) => name);

  return {
    element,
    names: [...options.keys()],
    get active() {
      return active;
    },
    point,
    // Moves the choice by one row among those in sight.
    step(by) {
      const names = shown();
      point(names[Math.min(names.length - 1, Math.max(0, names.indexOf(active) + by))]);
    },
    // Leaves in sight what matches a query; returns the names of it.
    filter(query) {
      for (const [name, option] of options) option.hidden = !matches(query, name, option.dataset.family);
      for (const group of element.children) group.hidden = !group.querySelector('[role="option"]:not([hidden])');
      return shown();
    },
    select(chosen) {
      for (const [name, option] of options) option.setAttribute("aria-selected", String(name === chosen));
    },
    titleOf: (name) => options.get(name)?.textContent,
    reveal(name) {
      if (options.has(name)) reveal(options.get(name));
    },
  };
}
