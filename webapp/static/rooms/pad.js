// The pad: four sounds at its corners and a puck between them that is heard while it moves. A path drawn over it becomes
// one note whose timbre moves.

import { createKeyframes, PAD_LEVELS } from "../audio/keyframes.js";
import { hueOf } from "../document/sound.js";
import { clamp } from "../document/numbers.js";
import { sharesAt, SLOTS, soundOf } from "../document/project.js";
import { h, isShown } from "../parts/dom.js";
import { onShown } from "../parts/tabs.js";
import { onTheme, themeName } from "../parts/theme.js";
import { createPathBar } from "./pad/pathbar.js";
import { createPen } from "./pad/pen.js";
import { CORNERS, createSurface } from "./pad/surface.js";
import { createSlot, letterOf, nameOf } from "./slots.js";

const HOVER_MS = 60; // a hand that rests over the pad so long is about to take hold of it
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const at = (x, y) => ({ type: "handle", mode: "pad", x, y });
const round = (value) => Math.round(value * 500) / 500; // a pixel or two

export default function build(host, studio, { signal }) {
  let holding = false; // the puck is in the hand
  const corners = SLOTS.map((slot) => createSlot(studio, slot, { go: at(...CORNERS[slot]) }));
  const soundAt = ([x, y]) => soundOf({ ...studio.project, morph: { mode: "pad", x, y } });
  const frames = createKeyframes({
    levels: PAD_LEVELS,
    soundAt,
    isReady: studio.isReady,
    prepare: studio.prepare,
    isQuiet: studio.isQuiet,
  });
  let hovering = null;
  const surface = createSurface({
    listeners: {
      onpointerenter: hover,
      onpointerleave: () => clearTimeout(hovering),
      onpointerdown: grasp,
      onpointermove: move,
      onpointerup: letGo,
      onpointercancel: letGo,
      ondblclick: () => studio.dispatch(at(0.5, 0.5)),
    },
    onkeydown: (event) => walk(event, studio, pen),
  });
  const bar = createPathBar(studio, { soundAt, onState: () => surface.isDotAway() && follow() });
  const pen = createPen(studio, { host, surface, bar });
  const hint = h("p", { class: "hint" }, "A path becomes one note that moves");
  host.append(
    h("div", { class: "ends" }, corners[0].element, h("div", { class: "middle" }, pen.element), corners[1].element),
    surface.element,
    h(
      "div",
      { class: "ends" },
      corners[2].element,
      h("div", { class: "middle" }, bar.element, hint),
      corners[3].element,
    ),
  );

  const placeOf = (event) => surface.placeOf(event).map((value) => round(clamp(value, 0, 1)));

  // Only for a pad in sight.
  function rest() {
    const { x, y } = studio.project.morph;
    if (isShown(surface.element)) frames.rest([x, y]);
  }

  function hover(event) {
    clearTimeout(hovering);
    if (event.pointerType === "mouse") hovering = setTimeout(() => frames.prefetch(placeOf(event)), HOVER_MS);
  }

  function grasp(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    surface.element.setPointerCapture(event.pointerId);
    surface.focus();
    holding = true;
    pen.begin();
    bar.stop();
    frames.prefetch(placeOf(event));
    move(event);
  }

  function move(event) {
    if (!holding) return;
    const place = placeOf(event);
    pen.record(event.timeStamp, place);
    studio.drag(at(...place), { near: frames.near(place) });
  }

  function letGo(event) {
    if (!holding) return;
    holding = false;
    frames.forget();
    pen.record(event.timeStamp, placeOf(event));
    pen.finish();
    studio.drop();
  }

  // A dot runs along the path while it plays.
  function follow() {
    const place = host.isConnected ? bar.position() : null;
    surface.drawDot(place);
    if (place) requestAnimationFrame(follow);
  }

  function paint() {
    const { x, y } = studio.project.morph;
    const hues = SLOTS.map((slot) => hueOf(studio.project.slots[slot].sound, studio.model));
    host.style.setProperty("--here", surface.paint(hues, sharesAt(x, y), themeName()));
  }

  function draw(before) {
    const { project } = studio;
    const { mode, x, y } = project.morph;
    const shares = sharesAt(x, y);
    SLOTS.forEach((slot, index) => corners[index].draw(mode === "pad" ? shares[slot] : null));
    surface.drawPuck({ x, y, shares, live: mode === "pad", words: wordsOf(project, shares, studio.model) });
    host.classList.toggle("aside", mode !== "pad");
    paint();
    pen.draw();
    bar.draw();
    hint.hidden = project.path.length > 0;
    // Another key under the hand needs keyframes of its own.
    if (holding && before?.note !== project.note) frames.prefetch([x, y]);
    if (!holding && (before?.note !== project.note || before.slots !== project.slots)) rest();
  }

  studio.enter("pad", { project: draw });
  bar.drawPlay();
  onTheme(paint, signal);
  onShown("pad", rest, signal);
  draw();
}

// With the pen, arrow keys draw as well: Enter ends the path, Escape leaves it.
function walk(event, studio, pen) {
  if (pen.isOn() && (event.key === "Enter" || event.key === "Escape")) {
    event.preventDefault();
    if (event.key === "Escape") return pen.set(false);
    pen.finish();
    return studio.drop();
  }
  const by = STEPS[event.key];
  if (!by && event.key !== "Home") return;
  event.preventDefault();
  const { x, y } = studio.project.morph;
  const step = event.shiftKey ? 0.01 : 0.05;
  if (!pen.hasBegun()) pen.record(event.timeStamp, [x, y]);
  studio.dispatch(by ? at(round(x + by[0] * step), round(y + by[1] * step)) : at(0.5, 0.5));
  pen.record(performance.now(), [studio.project.morph.x, studio.project.morph.y]);
}

// "A Violin 75 %, B Flute 25 %"
const wordsOf = ({ slots }, shares, model) =>
  SLOTS.filter((slot) => shares[slot] >= 0.005)
    .map((slot) => `${letterOf(slot)} ${nameOf(slots[slot], model)} ${Math.round(shares[slot] * 100)} %`)
    .join(", ");
