// The envelope: drawn, its corners dragged; the same as sliders; gain. What a note does is what saved notes do.

import { levelAt } from "../audio/adsr.js";
import { h } from "../parts/dom.js";
import { PATCH, PATCH_RANGES } from "../document/project.js";

const STEPS = 1000; // of a slider's way; times go with its square, so that short ones are told apart
const STEP = 20;
const FINE = 2;

const ROWS = [
  { name: "attack", title: "Attack", hint: "From silence to full level" },
  { name: "decay", title: "Decay", hint: "From full level to the sustain level" },
  { name: "sustain", title: "Sustain", hint: "Level while the key is down" },
  { name: "release", title: "Release", hint: "Until the note is gone once the key is let go" },
  { name: "gain", title: "Gain", hint: "Louder or quieter as a whole" },
];
const SHAPES = [
  ["Pluck", { attack: 0, decay: 0.9, sustain: 0, release: 0.25 }],
  ["Stab", { attack: 0, decay: 0.35, sustain: 0.25, release: 0.12 }],
  ["Pad", { attack: 0.7, decay: 1, sustain: 0.8, release: 1.6 }],
  ["Swell", { attack: 1.6, decay: 0, sustain: 1, release: 0.6 }],
];

// The drawing, in its own units (its height follows from the room there is): each part has its share of the width, and a
// foot so that corners never meet.
const WIDTH = 400;
const TOP = 16;
const BOTTOM = 26;
const LEFT = 14;
const REST_SECONDS = 1.5; // pace at which the point that follows a note crosses the part without an end
const PARTS = { attack: 92, decay: 92, hold: 52, release: 92 };
const FOOT = 22;

const square = (value) => value * value;
const wayOf = (name, value) =>
  name === "gain" || name === "sustain" ? share(name, value) : Math.sqrt(share(name, value));
const share = (name, value) => (value - lowOf(name)) / (PATCH_RANGES[name][1] - lowOf(name));
const lowOf = (name) => (name === "release" ? 0 : PATCH_RANGES[name][0]);
function valueAt(name, way) {
  const high = PATCH_RANGES[name][1];
  if (name === "gain") return Math.round((lowOf(name) + way * (high - lowOf(name))) * 10) / 10;
  if (name === "sustain") return Math.round(way * 100) / 100;
  return Math.round(square(way) * high * 1000) / 1000;
}

// What a musician reads: "250 ms", "1.20 s", "80 %", "+3.0 dB".
export function reading(name, value) {
  if (name === "gain") return `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(1)} dB`;
  if (name === "sustain") return `${Math.round(value * 100)} %`;
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(2)} s`;
}

export default function build(host, studio) {
  const move = (change) => studio.drag({ type: "patch", patch: change }, { mute: true });
  function rest() {
    studio.drop();
    studio.tryOut();
  }
  function set(change) {
    studio.dispatch({ type: "patch", patch: change });
    studio.tryOut();
  }

  const shapes = SHAPES.map(([title, patch]) => {
    const button = h("button", { class: "shape", onclick: () => set(patch) }, title);
    return { button, patch };
  });
  const reset = h(
    "button",
    { class: "button", "aria-label": "Reset envelope", title: "The note as it was made", onclick: () => set(PATCH) },
    "Reset",
  );
  const drawing = drawingOf({
    move,
    rest,
    set,
    patch: () => studio.project.patch,
    newest: () => studio.engine.newest(),
  });
  const rows = ROWS.map((row) => rowOf(row, { move, rest, set }));
  host.append(
    h("div", { class: "shapes" }, ...shapes.map(({ button }) => button), h("span", { class: "gap" }), reset),
    drawing.element,
    h("div", { class: "rows" }, ...rows.map((row) => row.element)),
  );

  function draw() {
    const { patch } = studio.project;
    drawing.draw(patch);
    for (const row of rows) row.draw(patch);
    const same = (other) => Object.entries(other).every(([name, value]) => patch[name] === value);
    for (const { button, patch: shape } of shapes) button.setAttribute("aria-pressed", String(same(shape)));
    reset.disabled = same(PATCH);
  }
  studio.enter("envelope", { project: draw, keys: drawing.follow });
  draw();
}

function rowOf({ name, title, hint }, { move, rest, set }) {
  const id = `envelope-${name}`;
  const rail = h("input", {
    type: "range",
    id,
    min: "0",
    max: String(STEPS),
    step: "1",
    title: hint,
    oninput: () => move({ [name]: valueAt(name, Number(rail.value) / STEPS) }),
    onchange: rest,
    ondblclick: () => set({ [name]: PATCH[name] }),
    onkeydown: (event) => {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (event.key === "Backspace" || event.key === "Delete") set({ [name]: PATCH[name] });
      else if (by)
        set({
          [name]: valueAt(
            name,
            Math.min(1, Math.max(0, (Number(rail.value) + by * (event.shiftKey ? FINE : STEP)) / STEPS)),
          ),
        });
      else return;
      event.preventDefault();
    },
  });
  const number = h("output", { class: "number", for: id });
  function draw(patch) {
    const way = wayOf(name, patch[name]);
    rail.value = String(Math.round(way * STEPS));
    rail.style.setProperty("--fill", `${way * 100}%`);
    number.textContent = reading(name, patch[name]);
    rail.setAttribute("aria-valuetext", number.textContent);
    number.classList.toggle("moved", patch[name] !== PATCH[name]);
  }
  return { element: h("div", { class: "row" }, h("label", { for: id }, title), rail, number), draw };
}

// The level over time as a line with three corners; the sliders below do the same for those who do not point.
function drawingOf({ move, rest, set, patch: patchNow, newest }) {
  let height = 180;
  const floor = () => height - BOTTOM;
  const heightOf = (level) => floor() - level * (floor() - TOP);
  const levelOf = (y) => Math.round(Math.min(1, Math.max(0, (floor() - y) / (floor() - TOP))) * 100) / 100;
  const area = shape("path", { class: "area" });
  const line = shape("path", { class: "level" });
  const drop = shape("path", { class: "drop" });
  const corners = {
    attack: corner("attack", ({ x }) => ({ attack: timeAt("attack", x - LEFT) })),
    decay: corner("decay", ({ x, y }) => ({
      decay: timeAt("decay", x - places(patchNow()).attack - FOOT),
      sustain: levelOf(y),
    })),
    release: corner("release", ({ x }) => ({ release: timeAt("release", x - places(patchNow()).hold - FOOT) })),
  };
  const letters = ["A", "D", "S", "R"].map((letter) => shape("text", {}, letter));
  const point = shape("circle", { class: "point", r: 3.5, visibility: "hidden" });
  const svg = shape("svg", { "aria-hidden": "true" }, drop, ...letters, area, line, point, ...Object.values(corners));
  const element = h("div", { class: "adsr" }, svg);

  function corner(name, changeAt) {
    const group = shape(
      "g",
      { class: "corner", "data-corner": name },
      shape("circle", { class: "reach", r: 20 }),
      shape("circle", { class: "dot", r: 6 }),
    );
    let held = null;
    group.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      group.setPointerCapture(event.pointerId);
      held = event.pointerId;
      group.classList.add("held");
    });
    group.addEventListener("pointermove", (event) => {
      if (held === event.pointerId) move(changeAt(pointOf(event)));
    });
    for (const type of ["pointerup", "pointercancel"]) {
      group.addEventListener(type, (event) => {
        if (held !== event.pointerId) return;
        held = null;
        group.classList.remove("held");
        rest();
      });
    }
    group.addEventListener("dblclick", () =>
      set(name === "decay" ? { decay: PATCH.decay, sustain: PATCH.sustain } : { [name]: PATCH[name] }),
    );
    return group;
  }

  function pointOf(event) {
    const box = svg.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * WIDTH,
      y: ((event.clientY - box.top) / box.height) * height,
    };
  }

  new ResizeObserver(() => {
    if (!element.clientWidth) return;
    height = (WIDTH * element.clientHeight) / element.clientWidth;
    draw(patchNow());
  }).observe(element);

  // A point runs along the line with the note last struck.
  let following = false;
  function follow() {
    if (following) return;
    following = true;
    step();
  }
  function step() {
    const note = element.clientWidth ? newest() : null;
    point.setAttribute("visibility", note ? "visible" : "hidden");
    following = Boolean(note);
    if (!note) return;
    const patch = patchNow();
    point.setAttribute(
      "transform",
      `translate(${placeOf(patch, note)} ${heightOf(levelAt(patch, note.time, note.held))})`,
    );
    requestAnimationFrame(step);
  }

  function draw(patch) {
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
    const at = places(patch);
    const samples = [];
    const part = (from, to, seconds, since, held) => {
      for (let step = 0; step <= 24; step++)
        samples.push([from + ((to - from) * step) / 24, levelAt(patch, since + (seconds * step) / 24, held)]);
    };
    samples.push([LEFT, 0]);
    part(LEFT, at.attack, patch.attack, 0);
    part(at.attack, at.decay, patch.decay, patch.attack);
    const settled = patch.attack + patch.decay;
    samples.push([at.hold, levelAt(patch, settled)]);
    part(at.hold, at.release, patch.release, settled, settled);
    const text = samples.map(([x, level]) => `${x.toFixed(1)} ${heightOf(level).toFixed(1)}`).join("L");
    line.setAttribute("d", `M${text}`);
    area.setAttribute("d", `M${LEFT} ${floor()}L${text}L${at.release} ${floor()}Z`);
    drop.setAttribute(
      "d",
      ["attack", "decay", "hold"].map((name) => `M${at[name]} ${TOP - 8}V${floor()}`).join("") +
        `M${LEFT} ${floor()}H${WIDTH - LEFT}`,
    );
    const edges = [LEFT, at.attack, at.decay, at.hold, at.release];
    letters.forEach((letter, index) => {
      letter.setAttribute("x", (edges[index] + edges[index + 1]) / 2);
      letter.setAttribute("y", height - 8);
    });
    const place = (group, x, y) => group.setAttribute("transform", `translate(${x} ${y})`);
    place(corners.attack, at.attack, heightOf(levelAt(patch, patch.attack)));
    place(corners.decay, at.decay, heightOf(patch.sustain));
    place(corners.release, at.release, floor());
  }

  return { element, draw, follow };
}

// Where the parts of an envelope end, from the left.
function places(patch) {
  const attack = LEFT + wayOf("attack", patch.attack) * PARTS.attack;
  const decay = attack + FOOT + wayOf("decay", patch.decay) * PARTS.decay;
  const hold = decay + PARTS.hold;
  return { attack, decay, hold, release: hold + FOOT + wayOf("release", patch.release) * PARTS.release };
}

// Where a note is that was struck `time` seconds ago and `held` for so long.
function placeOf(patch, { time, held }) {
  const at = places(patch);
  const between = (from, to, share) => from + (to - from) * Math.min(1, share);
  const { attack, decay, release } = patch;
  if (time > held) return between(at.hold, at.release, (time - held) / release);
  if (time < attack) return between(LEFT, at.attack, time / attack);
  if (time < attack + decay) return between(at.attack, at.decay, (time - attack) / decay);
  return between(at.decay, at.hold, 1 - Math.exp(-(time - attack - decay) / REST_SECONDS));
}

const timeAt = (name, x) => valueAt(name, Math.min(1, Math.max(0, x / PARTS[name])));

function shape(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
