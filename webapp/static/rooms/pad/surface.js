// What one sees and grabs of the pad: corners, puck, threads between them, the path that is drawn.

import { h } from "../../parts/dom.js";
import { SLOTS } from "../../document/project.js";
import { createGround, mixed } from "./ground.js";

export const CORNERS = { a: [0, 0], b: [1, 0], c: [0, 1], d: [1, 1] };

const svg = (tag, attributes = {}) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};
const setPlace = (element, x, y) => Object.assign(element.style, { left: `${x * 100}%`, top: `${y * 100}%` });
const hidden = { "aria-hidden": "true" };

// `listeners` are the surface's own; `onkeydown` is the puck's.
export function createSurface({ listeners, onkeydown }) {
  const ground = createGround();
  const threads = Object.fromEntries(
    SLOTS.map((slot) => [slot, svg("line", { class: "thread", x2: CORNERS[slot][0], y2: CORNERS[slot][1] })]),
  );
  const overlay = svg("svg", { class: "overlay", viewBox: "0 0 1 1", preserveAspectRatio: "none", ...hidden });
  const line = svg("polyline", { class: "path" });
  overlay.append(...Object.values(threads), line);
  const anchors = Object.fromEntries(SLOTS.map((slot) => [slot, h("span", { class: "anchor", ...hidden })]));
  for (const slot of SLOTS) setPlace(anchors[slot], ...CORNERS[slot]);
  const begin = h("span", { class: "begin", ...hidden });
  const dot = h("span", { class: "dot", hidden: true, ...hidden });
  const glow = h("span", { class: "glow", ...hidden });
  const puck = h("button", {
    class: "puck",
    role: "slider",
    "aria-label": "Place on the pad",
    "aria-valuemin": "0",
    "aria-valuemax": "100",
    title: "Drag, or use the arrow keys (Shift: finer). Double-click: back to the middle",
    onkeydown,
  });
  const area = h("div", { class: "area" }, glow, overlay, ...Object.values(anchors), begin, dot, puck);
  const element = h("div", { class: "surface", ...listeners }, ground.element, area);

  return {
    element,
    focus: () => puck.focus({ preventScroll: true }),
    // Where an event lies, from 0 to 1 both ways; outside of the pad it is beyond.
    placeOf({ clientX, clientY }) {
      const { left, top, width, height } = area.getBoundingClientRect();
      return [(clientX - left) / width, (clientY - top) / height];
    },
    // The puck at a place with the corners' `shares` there; `live` where the pad decides what sounds.
    drawPuck({ x, y, shares, live, words }) {
      for (const slot of SLOTS) {
        threads[slot].setAttribute("x1", x);
        threads[slot].setAttribute("y1", y);
        threads[slot].style.opacity = live ? 0.15 + 0.85 * shares[slot] : 0.1;
        threads[slot].style.strokeWidth = 0.5 + 2.5 * shares[slot];
      }
      for (const part of [puck, glow]) setPlace(part, x, y);
      puck.setAttribute("aria-valuenow", Math.round(x * 100));
      puck.setAttribute("aria-valuetext", words);
    },
    // The corners' hues; returns the colour at the puck.
    paint(hues, shares, look) {
      SLOTS.forEach((slot, index) => anchors[slot].style.setProperty("--hue", hues[index]));
      ground.paint(hues, look);
      return mixed(hues, Object.values(shares), 0.8, 0.13);
    },
    // Points are [time, x, y].
    drawPath(points) {
      line.setAttribute("points", points.map(([, x, y]) => `${x},${y}`).join(" "));
      begin.hidden = !points.length;
      if (points.length) setPlace(begin, points[0][1], points[0][2]);
    },
    // The dot that runs along the path: at a place [x, y], or away (null).
    drawDot(place) {
      dot.hidden = !place;
      if (place) setPlace(dot, ...place);
    },
    isDotAway: () => dot.hidden,
  };
}
