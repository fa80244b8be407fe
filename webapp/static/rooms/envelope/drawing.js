// The envelope as a line whose corners one drags.

import { levelAt } from "../../audio/adsr.js";
import { h } from "../../parts/dom.js";

// The drawing, in its own units (its height follows from the room there is): each part has its share of the width, and a
// foot so that corners never meet.
const WIDTH = 400;
const TOP = 16;
const BOTTOM = 26;
const LEFT = 14;
const REST_SECONDS = 1.5; // pace at which the point that follows a note crosses the part without an end
const PARTS = { attack: 92, decay: 92, hold: 52, release: 92 };
const FOOT = 22;

// The level over time as a line with three corners; the sliders below do the same for those who do not point.
// `plain` is the patch that a corner goes back to, `scale` as createScale makes it.
export function createDrawing({ move, rest, set, patch: patchNow, newest, plain, scale }) {
  const timeAt = (name, x) => scale.valueAt(name, Math.min(1, Math.max(0, x / PARTS[name])));
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
      decay: timeAt("decay", x - places(patchNow(), scale).attack - FOOT),
      sustain: levelOf(y),
    })),
    release: corner("release", ({ x }) => ({ release: timeAt("release", x - places(patchNow(), scale).hold - FOOT) })),
  };
  const letters = ["A", "D", "S", "R"].map((letter) => shape("text", {}, letter));
  const point = shape("circle", { class: "point", r: 3.5, visibility: "hidden" });
  const svg = shape("svg", { "aria-hidden": "true" }, drop, ...letters, area, line, point, ...Object.values(corners));
  const element = h("div", { class: "adsr" }, svg);

  function corner(name, changeAt) {
    const back = name === "decay" ? { decay: plain.decay, sustain: plain.sustain } : { [name]: plain[name] };
    return createCorner(name, { moved: (event) => move(changeAt(pointOf(event))), rest, back: () => set(back) });
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
      `translate(${placeOf(places(patch, scale), patch, note)} ${heightOf(levelAt(patch, note.time, note.held))})`,
    );
    requestAnimationFrame(step);
  }

  function draw(patch) {
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
    const at = places(patch, scale);
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

// A corner one drags: `moved(event)` at every step, `rest` at its end, `back` to go back to where it was at first.
function createCorner(name, { moved, rest, back }) {
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
    if (held === event.pointerId) moved(event);
  });
  for (const type of ["pointerup", "pointercancel"]) {
    group.addEventListener(type, (event) => {
      if (held !== event.pointerId) return;
      held = null;
      group.classList.remove("held");
      rest();
    });
  }
  group.addEventListener("dblclick", back);
  return group;
}

// Where the parts of an envelope end, from the left.
function places(patch, { wayOf }) {
  const attack = LEFT + wayOf("attack", patch.attack) * PARTS.attack;
  const decay = attack + FOOT + wayOf("decay", patch.decay) * PARTS.decay;
  const hold = decay + PARTS.hold;
  return { attack, decay, hold, release: hold + FOOT + wayOf("release", patch.release) * PARTS.release };
}

// Where, by the `places` of its patch, a note is that was struck `time` seconds ago and `held` for so long.
function placeOf(at, patch, { time, held }) {
  const between = (from, to, share) => from + (to - from) * Math.min(1, share);
  const { attack, decay, release } = patch;
  if (time > held) return between(at.hold, at.release, (time - held) / release);
  if (time < attack) return between(LEFT, at.attack, time / attack);
  if (time < attack + decay) return between(at.attack, at.decay, (time - attack) / decay);
  return between(at.decay, at.hold, 1 - Math.exp(-(time - attack - decay) / REST_SECONDS));
}

function shape(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
