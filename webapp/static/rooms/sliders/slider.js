// One slider with its name and its reading.

import { h } from "../../parts/dom.js";
import { runner } from "../../parts/runner.js";

const STEP = 0.1;
const FINE = 0.01;
const HOVER_MS = 60; // a pointer that rests on a slider this long is about to take hold of it

/**
 * A slider from -limit to limit: a drag is heard as it goes, the arrow keys step (in finer steps with Shift), and a
 * double click, Delete or Backspace takes it back.
 * @param {string} title
 * @param {object} on
 * @param {number} on.limit
 * @param {(place: number, value: number) => void} on.onreach the pointer comes to the slider, at `place` (0 to 1) of its
 *   way, or takes hold of it
 * @param {(value: number) => void} on.onmove at every step of a drag
 * @param {() => void} on.drop at its end
 * @param {(value: number) => void} on.onstep by the keyboard
 * @param {() => void} on.onreset
 */
export function createSlider(title, { limit, onreach, onmove, drop, onstep, onreset }) {
  let hovering = null;
  const reach = (share) => onreach(share, Number(rail.value));
  const label = h("span", { class: "name" }, title);
  const rail = h("input", {
    type: "range",
    min: String(-limit),
    max: String(limit),
    step: "0.01",
    value: "0",
    "aria-label": title || null,
    oninput: () => onmove(Number(rail.value)),
    onchange: drop,
    onkeydown: (event) => {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (event.key === "Backspace" || event.key === "Delete") onreset();
      else if (by) onstep(Number(rail.value) + by * (event.shiftKey ? FINE : STEP));
      else return;
      event.preventDefault();
    },
  });
  const way = runner(rail, {
    over(share, held) {
      clearTimeout(hovering);
      if (held) reach(share);
      else hovering = setTimeout(reach, HOVER_MS, share);
    },
    left: () => clearTimeout(hovering),
    released: drop, // also where it was taken: it has not changed then
    doubled: onreset,
  });
  const number = h("output", { class: "number" });
  return {
    element: h("div", { class: "slider" }, label, way, number),
    name(text) {
      label.textContent = text;
      rail.setAttribute("aria-label", text);
    },
    show(value, reading, moved) {
      rail.value = String(value);
      rail.style.setProperty("--fill", `${(50 * (value + limit)) / limit}%`);
      number.textContent = reading;
      rail.setAttribute("aria-valuetext", reading);
      number.classList.toggle("moved", moved);
    },
  };
}
