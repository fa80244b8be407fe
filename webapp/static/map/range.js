// A range on a ramp of colours: a drag over it chooses, a click lets all through again. Keyboards move its two ends.

import { clamp } from "../document/numbers.js";
import { h } from "../parts/dom.js";

const LEAST = 0.02; // of the ramp: less is a click

/**
 * `changed(range)` is told the shares [from, to] of the ramp, or null for all of it. Returns {element, show(range)}.
 * @param {(range: [number, number] | null) => void} changed
 */
export function createRange(changed) {
  let began = null; // share at which a drag began
  let moved = false;
  const ends = ["Least", "Most"].map((title, index) =>
    h("input", {
      type: "range",
      min: "0",
      max: "1",
      step: "0.02",
      value: String(index),
      "aria-label": title,
      oninput: () => tell(Number(ends[0].value), Number(ends[1].value)),
    }),
  );
  const element = h(
    "div",
    {
      class: "ramp",
      title: "Drag to keep a range, click for all",
      onpointerdown: press,
      onpointermove: move,
      onpointerup: release,
      onpointercancel: () => (began = null),
    },
    h("i", { class: "under" }),
    h("i", { class: "beyond" }),
    ...ends,
  );

  function shareAt({ clientX, clientY }) {
    const { left, bottom, width, height } = element.getBoundingClientRect();
    return clamp(height > width ? (bottom - clientY) / height : (clientX - left) / width, 0, 1);
  }

  function press(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    element.setPointerCapture(event.pointerId);
    began = shareAt(event);
    moved = false;
  }

  function move(event) {
    if (began === null) return;
    const now = shareAt(event);
    moved ||= Math.abs(now - began) >= LEAST;
    if (moved) tell(Math.min(began, now), Math.max(began, now));
  }

  function release() {
    if (began !== null && !moved) changed(null);
    began = null;
  }

  // Ends that meet or pass each other let all through.
  function tell(from, to) {
    changed(to - from < LEAST || (from === 0 && to === 1) ? null : [from, to]);
  }

  return {
    element,
    show(range) {
      const [from, to] = range ?? [0, 1];
      element.style.setProperty("--from", String(from));
      element.style.setProperty("--to", String(to));
      ends.forEach((end, index) => (end.value = String([from, to][index])));
    },
  };
}
