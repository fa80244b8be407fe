// Which instrument: every one in sight under its family, found by typing, chosen by click, tap or Enter.

import { carries } from "../parts/dragdrop.js";
import { h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { matches } from "../document/search.js";
import { hueOf, leadingInstrument } from "../document/sound.js";
import { handSlot, instrumentSound } from "../document/project.js";
import { show } from "../parts/tabs.js";

// Brings the list of instruments before the player's eyes, ready to be typed in.
export function openInstruments() {
  show("instruments");
  const room = document.querySelector(".room-instruments");
  const folded = room?.querySelector(".current");
  if (folded?.offsetParent && !room.classList.contains("open")) folded.click();
  room?.querySelector("#instrument-search")?.focus();
}

export default function build(host, studio) {
  const options = new Map(); // name -> option element
  let active = null; // name of the option that Enter would choose

  const search = h("input", {
    type: "search",
    id: "instrument-search",
    placeholder: "Search 128 instruments",
    autocomplete: "off",
    spellcheck: "false",
    role: "combobox",
    "aria-label": "Search instruments",
    "aria-controls": "instrument-list",
    "aria-expanded": "true",
    "aria-autocomplete": "list",
    oninput: filter,
    onkeydown: walk,
    onfocus: () => host.classList.add("open"),
  });
  const none = h("p", { class: "none", role: "status", hidden: true });
  const list = h("div", {
    id: "instrument-list",
    role: "listbox",
    "aria-label": "Instruments by family",
    tabindex: "-1",
  });
  let total = 0;
  for (const [index, family] of studio.model.families.entries()) {
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
      total++;
    }
    list.append(group);
  }
  search.placeholder = total ? `Search ${total} instruments` : "This model has no instruments";

  // On a narrow screen the list is folded away behind this button.
  const current = h("button", {
    class: "current",
    "aria-expanded": "false",
    onclick: () => unfold(!host.classList.contains("open")),
  });
  const steps = h(
    "div",
    { class: "steps" },
    h(
      "button",
      { class: "tool", "aria-label": "Previous instrument", title: "Previous instrument", onclick: () => step(-1) },
      icon("previous"),
    ),
    current,
    h(
      "button",
      { class: "tool", "aria-label": "Next instrument", title: "Next instrument", onclick: () => step(1) },
      icon("next"),
    ),
  );
  host.append(steps, h("div", { class: "drawer" }, h("div", { class: "search" }, icon("search"), search), list, none));

  // The instrument of the slot that a choice would go to.
  const chosenName = () => leadingInstrument(studio.project.slots[handSlot(studio.project)].sound);

  const shown = () => [...options].filter(([, option]) => !option.hidden).map(([name]) => name);

  function filter() {
    for (const [name, option] of options) option.hidden = !matches(search.value, name, option.dataset.family);
    for (const group of list.children) group.hidden = !group.querySelector('[role="option"]:not([hidden])');
    const names = shown();
    none.hidden = names.length > 0;
    none.textContent = names.length ? "" : `No instrument is called “${search.value}”.`;
    point(search.value ? names[0] : chosenName());
  }

  function point(name) {
    options.get(active)?.classList.remove("active");
    active = name ?? null;
    const option = options.get(active);
    option?.classList.add("active");
    if (option) search.setAttribute("aria-activedescendant", option.id);
    else search.removeAttribute("aria-activedescendant");
    if (option) reveal(option);
  }

  // scrollIntoView would also scroll the page, away from the piano.
  function reveal(option) {
    const box = list.getBoundingClientRect();
    const row = option.getBoundingClientRect();
    if (row.top < box.top + 30) list.scrollTop += row.top - box.top - 40;
    else if (row.bottom > box.bottom) list.scrollTop += row.bottom - box.bottom + 40;
  }

  function walk(event) {
    const names = shown();
    const at = names.indexOf(active);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      point(names[Math.min(names.length - 1, Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1)))]);
    } else if (event.key === "Enter" && active) {
      event.preventDefault();
      choose(active);
      search.blur(); // the computer keys play again
    } else if (event.key === "Escape") {
      search.value = "";
      filter();
      search.blur();
      unfold(false);
    }
  }

  // Without a slot it is the one under the hand; with Shift it is B.
  function choose(name, slot) {
    studio.dispatch({ type: "pick", instrument: name, slot });
    if (search.value) {
      search.value = "";
      filter();
    }
    unfold(false);
  }

  function step(by) {
    const names = [...options.keys()];
    if (!names.length) return;
    const at = names.indexOf(chosenName());
    choose(names[(at + by + names.length) % names.length]);
  }

  function unfold(open) {
    host.classList.toggle("open", open);
    current.setAttribute("aria-expanded", String(open));
    const option = options.get(chosenName());
    if (open && option) reveal(option);
  }

  function draw() {
    const chosen = chosenName();
    for (const [name, option] of options) option.setAttribute("aria-selected", String(name === chosen));
    const option = options.get(chosen);
    current.textContent = option?.textContent ?? "No instrument";
    point(chosen);
    // The family's hue of what sounds tints the whole page: keys, sliders, pictures.
    document.documentElement.style.setProperty("--hue", hueOf(studio.sound, studio.model));
  }

  studio.enter("instruments", {
    project: (before) => (before.slots !== studio.project.slots || before.morph !== studio.project.morph) && draw(),
  });
  draw();
}
