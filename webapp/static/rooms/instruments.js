// Instruments: all of them under their families, found by typing, chosen by a click, a tap or Enter.

import { h } from "../parts/dom.js";
import { searchField, toolButton } from "../parts/controls.js";
import { icon } from "../parts/icons.js";
import { hueOf, leadingInstrument } from "../document/sound.js";
import { handSlot } from "../document/project.js";
import { show } from "../parts/tabs.js";
import { createList } from "./instruments/list.js";

// Brings the list of instruments to the front, ready to be typed in.
export function openInstruments() {
  show("instruments");
  document.getElementById("instrument-search")?.focus();
}

export default function build(host, studio) {
  const list = createList(studio.model, {
    choose,
    pointed(option) {
      if (option) search.setAttribute("aria-activedescendant", option.id);
      else search.removeAttribute("aria-activedescendant");
    },
  });
  const { length: total } = list.names;
  const search = searchField({
    id: "instrument-search",
    placeholder: total ? `Search ${total} instruments` : "This model has no instruments",
    role: "combobox",
    "aria-label": "Search instruments",
    "aria-controls": "instrument-list",
    "aria-expanded": "true",
    "aria-autocomplete": "list",
    changed: filter,
    onkeydown: walk,
  });
  const none = h("p", { class: "none", role: "status", hidden: true });

  // On a narrow screen one goes from one instrument to the next.
  const current = h("output", { class: "current" });
  const steps = h(
    "div",
    { class: "steps" },
    toolButton("Previous instrument", "previous", () => step(-1)),
    current,
    toolButton("Next instrument", "next", () => step(1)),
  );
  const field = h("div", { class: "search" }, icon("search"), search);
  host.append(steps, h("div", { class: "drawer" }, field, list.element, none));

  // The instrument of the slot that a choice would go to.
  const chosenName = () => leadingInstrument(studio.project.slots[handSlot(studio.project)].sound);

  function filter() {
    const names = list.filter(search.value);
    none.hidden = names.length > 0;
    none.textContent = names.length ? "" : `No instruments match “${search.value}”.`;
    list.point(search.value ? names[0] : chosenName());
  }

  function walk(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      list.step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && list.active) {
      choose(list.active);
      search.blur(); // so that the computer's keys play again
    } else {
      return;
    }
    event.preventDefault();
  }

  // Without a slot it goes to the one in hand.
  function choose(name, slot) {
    studio.dispatch({ type: "pick", instrument: name, slot });
    if (search.value) {
      search.value = "";
      filter();
    }
  }

  function step(by) {
    if (!total) return;
    choose(list.names[(list.names.indexOf(chosenName()) + by + total) % total]);
  }

  function draw() {
    const chosen = chosenName();
    list.select(chosen);
    current.textContent = list.titleOf(chosen) ?? "No instrument";
    list.point(chosen);
    // The hue of the family that sounds tints the whole page: keys, sliders, pictures.
    document.documentElement.style.setProperty("--hue", String(hueOf(studio.sound, studio.model)));
  }

  studio.enter("instruments", {
    project: (before) => (before.slots !== studio.project.slots || before.morph !== studio.project.morph) && draw(),
  });
  draw();
}
