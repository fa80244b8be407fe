// The part of a recording that is heard, between two handles over its wave.

import { clamp } from "../../document/numbers.js";
import { h } from "../../parts/dom.js";
import { onTheme } from "../../parts/theme.js";
import { drawStrip, drawWaves } from "./waves.js";

const LEAST_SECONDS = 0.03; // of a part
const STEPS = { ArrowLeft: -0.01, ArrowRight: 0.01, PageDown: -0.1, PageUp: 0.1 }; // seconds; a tenth with Shift
const MOST_SHOWN = 12; // seconds; of a longer recording a window is shown, which the strip below moves

/**
 * `state()` is what is shown: {recording, part, longest (seconds), made: {part, ours (note, from the part's beginning on),
 * rate} or null}, or null. moved(part, isOver) at each step of a movement and at its end.
 */
export function createTrim({ state, moved, signal }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const body = h("div", { class: "part", title: "The part that is heard. Drag to move it" });
  const ends = ["from", "to"].map(createEnd);
  const names = [
    ["upper", "Recording"],
    ["lower", "Voice"],
  ].map(([kind, text]) => h("span", { class: `which ${kind}` }, text));
  const well = h("div", { class: "well", onpointerdown: bring }, canvas, body, ...ends, ...names);
  const strip = h("canvas", { class: "strip", "aria-hidden": "true", hidden: true, onpointerdown: bring });
  const element = h("div", { class: "trim" }, well, strip);
  let view = { from: 0, to: 1 }; // seconds
  let known = null; // recording

  const seconds = () => state().recording.samples.length / state().recording.rate;
  const timeAt = (x) => view.from + (x / well.clientWidth) * (view.to - view.from);

  function createEnd(end) {
    const handle = h("div", {
      class: `end ${end}`,
      role: "slider",
      tabindex: "0",
      "aria-label": end === "from" ? "Begin of the part" : "End of the part",
      onkeydown(event) {
        const step = STEPS[event.key];
        if (!step) return;
        event.preventDefault();
        place(end, state().part[end] + step / (event.shiftKey ? 10 : 1));
        moved(state().part, true);
      },
    });
    follow(handle, (time) => place(end, time));
    return handle;
  }

  // An end stays within the recording, and so near to the other that a note can hold the part.
  function place(end, time) {
    const { part, longest } = state();
    const next = { ...part };
    if (end === "from") next.from = clamp(time, Math.max(0, part.to - longest), part.to - LEAST_SECONDS);
    else next.to = clamp(time, part.from + LEAST_SECONDS, Math.min(seconds(), part.from + longest));
    moved(next, false);
  }

  function shift(from) {
    const { part } = state();
    const long = part.to - part.from;
    const next = clamp(from, 0, Math.max(0, seconds() - long));
    moved({ from: next, to: next + long }, false);
  }

  // Whatever holds `handle` takes it along: go(time), where offset(time) is how far from it the pointer took hold.
  function follow(handle, go, offset = (_time) => 0) {
    let away = null;
    const timeOf = ({ clientX }) => timeAt(clientX - well.getBoundingClientRect().left);
    handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !state()) return;
      handle.setPointerCapture(event.pointerId);
      away = offset(timeOf(event));
    });
    handle.addEventListener("pointermove", (event) => away !== null && go(timeOf(event) - away));
    for (const kind of ["pointerup", "pointercancel"])
      handle.addEventListener(kind, () => {
        if (away !== null) moved(state().part, true);
        away = null;
      });
  }

  follow(body, shift, (time) => time - state().part.from);

  // A click beside the part brings it there.
  function bring({ target, offsetX }) {
    if (!state() || (target !== canvas && target !== strip)) return;
    shift(target === strip ? (offsetX / strip.clientWidth) * seconds() : timeAt(offsetX));
    if (target === strip) look();
    moved(state().part, true);
  }

  // What is in sight: all of a short recording, of a long one what lies around the part.
  function look() {
    const { part } = state();
    const [whole, wide] = [seconds(), Math.min(seconds(), MOST_SHOWN)];
    const from = clamp((part.from + part.to - wide) / 2, 0, whole - wide);
    view = { from, to: from + wide };
  }

  function draw() {
    const shown = state();
    if (!shown) return;
    if (shown.recording !== known) {
      known = shown.recording;
      look();
    }
    const { part, made } = shown;
    const share = (time) => 100 * clamp((time - view.from) / (view.to - view.from), 0, 1);
    body.style.left = `${share(part.from)}%`;
    body.style.width = `${share(part.to) - share(part.from)}%`;
    [part.from, part.to].forEach((time, index) => {
      ends[index].style.left = `${share(time)}%`;
      ends[index].setAttribute("aria-valuenow", time.toFixed(3));
      ends[index].setAttribute("aria-valuemin", "0");
      ends[index].setAttribute("aria-valuemax", seconds().toFixed(3));
      ends[index].setAttribute("aria-valuetext", `${time.toFixed(2)} seconds`);
    });
    for (const name of names) name.hidden = !made;
    strip.hidden = seconds() <= MOST_SHOWN;
    const style = getComputedStyle(element);
    drawWaves(canvas, shown, view, style);
    if (!strip.hidden) drawStrip(strip, shown.recording, part, style);
  }

  onTheme(() => requestAnimationFrame(draw), signal);
  const watch = new ResizeObserver(draw);
  watch.observe(well);
  signal.addEventListener("abort", () => watch.disconnect());
  return { element, draw };
}
