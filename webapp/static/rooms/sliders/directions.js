// The sliders of the model's directions, each with a lock and, where its descriptor is measured, a reading.

import { h } from "../../parts/dom.js";
import { icon } from "../../parts/icons.js";
import { bendsOf } from "../../document/project.js";
import { createSlider } from "./slider.js";

// Returns {element, rows: [{direction, told}], draw}.
export function createDirections(studio, directions, heardAlong) {
  const rows = directions.map((direction) => {
    const action = (value) => ({ type: "slide", sliders: { [direction.name]: value } });
    const control = createSlider(direction.title, {
      ...heardAlong(studio.model.sliderLimit, action),
      onstep: (value) => studio.dispatch(action(value)),
      onreset: () => studio.dispatch(action(0)),
    });
    const isLocked = () => studio.project.locks.includes(direction.name);
    const lock = h("button", {
      class: "lock",
      "aria-pressed": "false",
      "aria-label": `Lock ${direction.title}`,
      title: "Vary and Reset leave locked sliders alone",
      onclick: () => studio.dispatch({ type: "lock", name: direction.name, on: !isLocked() }),
    });
    control.element.prepend(lock);
    const told = h("output", { class: "told" });
    if (direction.descriptor !== null) control.element.append(told);
    return { ...control, direction, lock, told, isLocked };
  });

  return {
    element: h("div", { class: "rows" }, ...rows.map(({ element }) => element)),
    rows,
    draw() {
      const { sliders } = bendsOf(studio.project);
      for (const { direction, element, lock, show, isLocked } of rows) {
        const value = sliders[direction.name] ?? 0;
        // What sounds were bent with before sliders followed them is there while a sound has some of it.
        element.hidden = direction.kind === "former" && value === 0;
        show(value, value ? signed(value) : "0", value !== 0);
        lock.setAttribute("aria-pressed", String(isLocked()));
        lock.replaceChildren(icon(isLocked() ? "lock" : "unlock"));
      }
    },
  };
}

const signed = (value) => `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(2)}`;
