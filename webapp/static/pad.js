// The pad: four sounds at its corners and a puck between them that is heard while it moves.

import { h, hostOf } from "./dom.js";
import { createKeyframes, PAD_LEVELS } from "./keyframes.js";
import { isDark } from "./masthead.js";
import { hueOf } from "./sound.js";
import { createSlot, letterOf, nameOf } from "./slots.js";
import { clamp, SLOTS, soundOf } from "./store.js";
import { openStudio } from "./studio.js";

const CORNERS = { a: [0, 0], b: [1, 0], c: [0, 1], d: [1, 1] };
const HOVER_MS = 60; // a hand that rests over the pad so long is about to take hold of it
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const GROUND = { dark: [0.36, 0.085], light: [0.86, 0.075] }; // lightness and chroma of the corners
const GROUND_PIXELS = [48, 32]; // the browser smooths what lies between

const svg = (tag, attributes = {}) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

// How much of each corner lies at a place.
const sharesAt = (x, y) => ({ a: (1 - x) * (1 - y), b: x * (1 - y), c: (1 - x) * y, d: x * y });

// Hues mixed by their shares as light is, without detours over other hues.
function mixed(hues, shares, lightness, chroma) {
  const sum = (of) => hues.reduce((all, hue, index) => all + shares[index] * chroma * of((hue * Math.PI) / 180), 0);
  return `oklab(${lightness} ${sum(Math.cos)} ${sum(Math.sin)})`;
}

let leave = null; // takes back the listeners of a former mount

export default async function mount({ element }) {
  leave?.();
  const host = hostOf(element);
  const studio = await openStudio();
  const { model } = studio;
  const leaving = new AbortController();
  leave = () => leaving.abort();
  let hovering = null;
  let holding = false; // the pad's own handle is in the hand

  const at = (x, y) => ({ type: "handle", mode: "pad", x, y });
  const corners = SLOTS.map((slot) => createSlot(studio, slot, { go: at(...CORNERS[slot]) }));
  const ground = h("canvas", { class: "ground", width: GROUND_PIXELS[0], height: GROUND_PIXELS[1], "aria-hidden": "true" });
  const threads = Object.fromEntries(SLOTS.map((slot) => [slot, svg("line", { class: "thread", x2: CORNERS[slot][0], y2: CORNERS[slot][1] })]));
  const drawing = svg("svg", { class: "drawing", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
  drawing.append(...Object.values(threads));
  const anchors = Object.fromEntries(SLOTS.map((slot) => [slot, h("span", { class: "anchor", "aria-hidden": "true" })]));
  for (const [slot, [x, y]] of Object.entries(CORNERS)) Object.assign(anchors[slot].style, { left: `${x * 100}%`, top: `${y * 100}%` });
  const glow = h("span", { class: "glow", "aria-hidden": "true" });
  const puck = h("button", {
    class: "puck", role: "slider", "aria-label": "Place on the pad", "aria-valuemin": "0", "aria-valuemax": "100",
    title: "Drag, or arrow keys (Shift: finer). Double click: the middle", onkeydown: walk,
  });
  const area = h("div", { class: "area" }, glow, drawing, ...Object.values(anchors), puck);
  const field = h(
    "div", {
      class: "field", onpointerenter: hover, onpointerleave: () => clearTimeout(hovering),
      onpointerdown: grasp, onpointermove: move, onpointerup: letGo, onpointercancel: letGo, ondblclick: () => studio.dispatch(at(0.5, 0.5)),
    },
    ground, area,
  );
  host.append(
    h("div", { class: "ends" }, corners[0].element, corners[1].element),
    field,
    h("div", { class: "ends" }, corners[2].element, corners[3].element),
  );

  const frames = createKeyframes({
    levels: PAD_LEVELS,
    soundAt: ([x, y]) => soundOf({ ...studio.project, morph: { mode: "pad", x, y } }),
    isReady: studio.isReady,
    prepare: studio.prepare,
  });

  function fetchFrames(place) {
    frames.fetch(place).catch(() => {
      // The drag is heard all the same, a little later.
    });
  }

  const round = (value) => Math.round(value * 500) / 500; // a pixel or two
  function placeOf(event) {
    const box = area.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((value) => round(clamp(value, 0, 1)));
  }

  function hover(event) {
    clearTimeout(hovering);
    if (event.pointerType === "mouse") hovering = setTimeout(() => fetchFrames(placeOf(event)), HOVER_MS);
  }

  function grasp(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    field.setPointerCapture(event.pointerId);
    puck.focus({ preventScroll: true });
    holding = true;
    fetchFrames(placeOf(event));
    move(event);
  }

  function move(event) {
    if (!holding) return;
    const place = placeOf(event);
    studio.drag(at(...place), { near: frames.near(place) });
  }

  function letGo() {
    if (!holding) return;
    holding = false;
    frames.forget();
    studio.drop();
  }

  function walk(event) {
    const by = STEPS[event.key];
    if (!by && event.key !== "Home") return;
    event.preventDefault();
    const { x, y } = studio.project.morph;
    const step = event.shiftKey ? 0.01 : 0.05;
    studio.dispatch(by ? at(round(x + by[0] * step), round(y + by[1] * step)) : at(0.5, 0.5));
  }

  // The four hues and what lies between them.
  let painted = null;
  function paint() {
    const hues = SLOTS.map((slot) => hueOf(studio.project.slots[slot].sound, model));
    SLOTS.forEach((slot, index) => anchors[slot].style.setProperty("--hue", hues[index]));
    const look = isDark() ? "dark" : "light";
    if (painted === `${look} ${hues}`) return;
    painted = `${look} ${hues}`;
    const [lightness, chroma] = GROUND[look];
    const [width, height] = GROUND_PIXELS;
    const pen = ground.getContext("2d");
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const shares = Object.values(sharesAt(column / (width - 1), row / (height - 1)));
        pen.fillStyle = mixed(hues, shares, lightness, chroma);
        pen.fillRect(column, row, 1, 1);
      }
    }
  }

  function draw(before) {
    const { project } = studio;
    const { mode, x, y } = project.morph;
    const shares = sharesAt(x, y);
    SLOTS.forEach((slot, index) => {
      corners[index].draw(mode === "pad" ? shares[slot] : null);
      threads[slot].setAttribute("x1", x);
      threads[slot].setAttribute("y1", y);
      threads[slot].style.opacity = mode === "pad" ? 0.15 + 0.85 * shares[slot] : 0.1;
      threads[slot].style.strokeWidth = 0.5 + 2.5 * shares[slot];
    });
    host.classList.toggle("aside", mode !== "pad");
    for (const part of [puck, glow]) Object.assign(part.style, { left: `${x * 100}%`, top: `${y * 100}%` });
    const hues = SLOTS.map((slot) => hueOf(project.slots[slot].sound, model));
    host.style.setProperty("--here", mixed(hues, Object.values(shares), 0.8, 0.13));
    puck.setAttribute("aria-valuenow", Math.round(x * 100));
    puck.setAttribute(
      "aria-valuetext",
      SLOTS.filter((slot) => shares[slot] >= 0.005).map((slot) => `${letterOf(slot)} ${nameOf(project.slots[slot], model)} ${Math.round(shares[slot] * 100)} %`).join(", "),
    );
    paint();
    // Another key under the hand needs keyframes of its own.
    if (holding && before && before.note !== project.note) fetchFrames([x, y]);
  }

  studio.enter("pad", { project: draw });
  window.addEventListener("studio:theme", paint, { signal: leaving.signal });
  draw();
}
