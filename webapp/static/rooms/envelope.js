// The envelope: drawn, its corners dragged; the same as sliders; gain. What a note does is what saved notes do.

import { h } from "../parts/dom.js";
import { runner } from "../parts/runner.js";
import { plainPatch } from "../document/project.js";
import { createDrawing } from "./envelope/drawing.js";
import { createScale, reading } from "./envelope/scale.js";

const STEPS = 1000; // of a slider's way
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

export default function build(host, studio) {
  const plain = plainPatch(studio.model);
  const scale = createScale(studio.model);
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
    { class: "button", "aria-label": "Reset envelope", title: "The note as it was made", onclick: () => set(plain) },
    "Reset",
  );
  const drawing = createDrawing({
    move,
    rest,
    set,
    patch: () => studio.project.patch,
    newest: () => studio.engine.newest(),
    plain,
    scale,
  });
  const rows = ROWS.map((row) => rowOf(row, { move, drop: studio.drop, rest, set, plain: plain[row.name], scale }));
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
    reset.disabled = same(plain);
  }
  studio.enter("envelope", { project: draw, keys: drawing.follow });
  draw();
}

function rowOf({ name, title, hint }, { move, drop, rest, set, plain, scale }) {
  const { valueAt, wayOf } = scale;
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
    onkeydown: (event) => {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (event.key === "Backspace" || event.key === "Delete") set({ [name]: plain });
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
  const way = runner(rail, { released: drop, doubled: () => set({ [name]: plain }) });
  const number = h("output", { class: "number", for: id });
  function draw(patch) {
    const way = wayOf(name, patch[name]);
    rail.value = String(Math.round(way * STEPS));
    rail.style.setProperty("--fill", `${way * 100}%`);
    number.textContent = reading(name, patch[name]);
    rail.setAttribute("aria-valuetext", number.textContent);
    number.classList.toggle("moved", patch[name] !== plain);
  }
  return { element: h("div", { class: "row" }, h("label", { for: id }, title), way, number), draw };
}
