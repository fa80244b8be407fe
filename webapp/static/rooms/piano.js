// The piano: mouse with glissando, fingers, computer keys, and Tab with arrows for those who play without any of them.

import { h, toggle } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { keyLabels, meaning, SEMITONES } from "../parts/keys.js";
import { midiSwitch } from "../parts/midiinput.js";
import { phraseControls } from "./phrasebar.js";

const BLACK = new Set([1, 3, 6, 8, 10]);
const NARROWEST_KEY = 26; // CSS pixels; when all keys would be narrower, the piano shows two octaves
const WHITE_IN_TWO_OCTAVES = 15;
const SOFTEST = 0.25; // velocity at the far end of a key; at the front edge it is 1

const isBlack = (pitch) => BLACK.has(pitch % 12);

// How hard a key is hit by where on it, from 0 at the far end to 1 at the front edge.
export const velocityAt = (place) => SOFTEST + (1 - SOFTEST) * Math.min(1, Math.max(0, place));

export default function build(host, studio, { signal }) {
  const { model, engine, pitchName } = studio;
  const listen = (type, handler, options = {}) => window.addEventListener(type, handler, { ...options, signal });

  const pitches = Array.from({ length: model.high - model.low + 1 }, (_, index) => model.low + index);
  const whites = pitches.filter((pitch) => !isBlack(pitch));
  const keys = new Map();
  const board = h("div", {
    class: "keys",
    role: "group",
    "aria-label": `Piano, ${pitchName(model.low)} to ${pitchName(model.high)}`,
  });
  const whitesBelow = (pitch) => whites.filter((white) => white < pitch).length;

  for (const pitch of pitches) {
    const key = h(
      "button",
      {
        class: isBlack(pitch) ? "key black" : "key white",
        "data-pitch": pitch,
        "aria-label": pitchName(pitch),
        "aria-pressed": "false",
        tabindex: "-1",
      },
      pitch % 12 === 0 ? h("span", { class: "name" }, pitchName(pitch)) : null,
    );
    key.style.setProperty("--at", whitesBelow(pitch));
    keys.set(pitch, key);
    board.append(key);
  }
  host.style.setProperty("--whites", whites.length);

  const arrival = h("div", { class: "arrival", "aria-hidden": "true" });
  for (const block of studio.blocks()) {
    const part = h("span", {});
    part.style.flexGrow = whites.filter((pitch) => pitch >= block.low && pitch <= block.high).length;
    arrival.append(part);
  }

  const down = h(
    "button",
    { class: "tool", "aria-label": "Octave down", title: "Octave down (Z)", onclick: () => shift(-12) },
    icon("previous"),
  );
  const up = h(
    "button",
    { class: "tool", "aria-label": "Octave up", title: "Octave up (X)", onclick: () => shift(12) },
    icon("next"),
  );
  const range = h("output", { class: "range", "aria-live": "polite" });
  const sustain = toggle("Hold", "Notes sound on after you let go", (on) => studio.dispatch({ type: "hold", on }));
  const stop = h(
    "button",
    { class: "button stop", "aria-label": "Stop", title: "Stop all sound (Esc)", onclick: () => studio.silence() },
    icon("stop"),
    h("span", {}, "Stop"),
  );
  const more = h(
    "button",
    { class: "tool more", "aria-label": "Phrase and MIDI", "aria-expanded": "false", onclick: unfold },
    icon("more"),
  );
  const pedal = h(
    "span",
    { class: "pedal", title: "Sustain pedal: the space bar, or a MIDI pedal" },
    h("kbd", {}, "Space"),
    " sustain",
  );
  const hint = h(
    "p",
    { class: "hint" },
    h("span", {}, h("kbd", {}, "A"), "–", h("kbd", {}, "'"), " play"),
    h("span", {}, h("kbd", {}, "Z"), h("kbd", {}, "X"), " octave"),
    pedal,
    h("span", {}, h("kbd", {}, "V"), " phrase"),
    h(
      "span",
      { class: "touch", title: "As on a stage piano: the nearer to its front edge a key is struck, the louder" },
      "lower is louder",
    ),
  );
  const phrase = phraseControls(studio);
  const veil = h(
    "button",
    { class: "veil", onclick: () => engine.enable() },
    h("span", {}, icon("sound"), "Click to enable sound"),
  );
  const sight = h("div", { class: "sight" }, h("div", { class: "run" }, arrival, board));
  host.append(
    h(
      "div",
      { class: "rail" },
      h("div", { class: "octave" }, down, range, up),
      hint,
      phrase.play,
      phrase.settings,
      midiSwitch(studio),
      more,
      sustain.element,
      stop,
    ),
    h("div", { class: "case" }, sight, veil),
  );

  // Pointers: each finger (or the mouse) holds at most one key and may slide on to the next.
  const pointers = new Map(); // pointerId -> pitch or null while between keys
  const keyAt = (event) => {
    const key = document.elementFromPoint(event.clientX, event.clientY)?.closest(".key");
    return key && board.contains(key) ? key : null;
  };
  function velocityOn(key, { clientY }) {
    const { top, height } = key.getBoundingClientRect();
    return velocityAt((clientY - top) / height);
  }
  function hold(event, key) {
    const pitch = key && Number(key.dataset.pitch);
    const before = pointers.get(event.pointerId) ?? null;
    pointers.set(event.pointerId, pitch);
    if (before === pitch) return;
    if (pitch !== null) {
      const velocity = velocityOn(key, event);
      key.style.setProperty("--struck", velocity);
      studio.press(pitch, velocity);
    }
    if (before !== null && ![...pointers.values()].includes(before)) studio.lift(before);
  }
  board.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // no text selection, no drag image; focus is set below
    document.activeElement?.blur?.(); // a search field keeps no letters once one plays
    hold(event, keyAt(event));
  });
  listen("pointermove", (event) => pointers.has(event.pointerId) && hold(event, keyAt(event)));
  for (const type of ["pointerup", "pointercancel"]) {
    listen(type, (event) => {
      if (!pointers.has(event.pointerId)) return;
      hold(event, null);
      pointers.delete(event.pointerId);
    });
  }
  // How hard it would strike shows on the key below the mouse.
  board.addEventListener("pointermove", (event) => {
    const key = event.pointerType === "mouse" && !pointers.has(event.pointerId) && keyAt(event);
    if (key && key.getAttribute("aria-pressed") !== "true") key.style.setProperty("--struck", velocityOn(key, event));
  });
  board.addEventListener("contextmenu", (event) => event.preventDefault());

  // Computer keys.
  let spaceDown = false;
  function raisePedal() {
    spaceDown = false;
    studio.pedal(false);
  }
  const typed = new Map(); // code -> pitch it started, whatever the octave is by now
  listen("keydown", (event) => {
    const what = meaning(event);
    if (what?.pedal) event.preventDefault(); // the page would scroll
    if (!what || event.repeat) return;
    if (what.note !== undefined) {
      const pitch = studio.project.octave + what.note;
      typed.set(event.code, pitch);
      keys.get(pitch)?.style.removeProperty("--struck");
      studio.press(pitch);
    } else if (what.shift) {
      shift(what.shift);
    } else if (what.pedal) {
      spaceDown = true;
      studio.pedal(true);
    } else if (what.phrase) {
      phrase.toggle();
    } else {
      studio.silence();
    }
  });
  listen("keyup", (event) => {
    if (event.code === "Space" && spaceDown) raisePedal();
    if (!typed.has(event.code)) return;
    studio.lift(typed.get(event.code));
    typed.delete(event.code);
  });
  listen("blur", () => {
    if (spaceDown) raisePedal();
    for (const pitch of [...typed.values(), ...pointers.values()]) if (pitch !== null) studio.lift(pitch);
    typed.clear();
    pointers.clear();
  });

  // Tab reaches one key; arrows walk; Enter or Space plays it for as long as it is down.
  board.addEventListener("keydown", (event) => {
    const pitch = Number(event.target.dataset?.pitch);
    if (!Number.isInteger(pitch)) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: 12, ArrowDown: -12 };
    if (event.key in steps) {
      event.preventDefault();
      const next = keys.get(pitch + steps[event.key]);
      if (next) {
        rove(pitch + steps[event.key]);
        next.focus({ preventScroll: true });
      }
    } else if ((event.key === "Enter" || event.key === " ") && !event.repeat) {
      event.preventDefault();
      typed.set(event.code, pitch);
      studio.press(pitch);
    }
  });

  function rove(pitch) {
    for (const [at, key] of keys) key.tabIndex = at === pitch ? 0 : -1;
  }

  // The narrow piano: two octaves in sight, with the computer keys' octave in their middle.
  const isNarrow = () => sight.clientWidth < whites.length * NARROWEST_KEY;
  function shift(by) {
    const lowest = isNarrow() ? model.low + 12 : model.low;
    studio.dispatch({ type: "octave", octave: Math.max(lowest, studio.project.octave + by) });
  }

  // On a phone the phrase's settings and MIDI have a line of their own, on demand.
  function unfold() {
    more.setAttribute("aria-expanded", String(host.classList.toggle("unfolded")));
  }

  function drawPlace() {
    const narrow = isNarrow();
    host.classList.toggle("narrow", narrow);
    const visible = narrow ? Math.min(WHITE_IN_TWO_OCTAVES, whites.length) : whites.length;
    const { octave } = studio.project;
    const first = Math.max(model.low, Math.min(octave - 12, model.high - 24));
    sight.style.setProperty("--zoom", whites.length / visible);
    sight.style.setProperty("--first", narrow ? whitesBelow(first) : 0);
    range.textContent = narrow
      ? `${pitchName(first)}–${pitchName(Math.min(model.high, first + 24))}`
      : `${pitchName(octave)}–${pitchName(Math.min(model.high, octave + 17))}`;
    down.disabled = octave <= (narrow ? model.low + 12 : model.low);
    up.disabled = octave >= model.high - 12;
    for (const key of keys.values()) delete key.dataset.letter;
    for (const [code, semitones] of Object.entries(SEMITONES)) {
      const key = keys.get(octave + semitones);
      if (key) key.dataset.letter = labels[code];
    }
  }

  function drawKeys() {
    const { down: pressed, waiting, sounding, pedal: sustained } = studio.keys();
    pedal.classList.toggle("down", sustained);
    phrase.draw();
    for (const [pitch, key] of keys) {
      key.classList.toggle("down", pressed.has(pitch));
      key.classList.toggle("waiting", waiting.has(pitch));
      key.classList.toggle("sounding", sounding.has(pitch));
      key.setAttribute("aria-pressed", String(pressed.has(pitch)));
    }
    for (const [index, block] of studio.blocks().entries())
      arrival.children[index].classList.toggle("loaded", block.loaded);
  }

  function drawProject(before) {
    sustain.box.checked = studio.project.hold;
    phrase.draw();
    if (before?.octave !== studio.project.octave) drawPlace();
  }

  function drawPower() {
    veil.hidden = engine.isRunning();
  }

  let labels = Object.fromEntries(Object.keys(SEMITONES).map((code) => [code, ""]));
  keyLabels().then((printed) => {
    labels = printed;
    drawPlace();
  });
  studio.enter("piano", { project: drawProject, keys: drawKeys, power: drawPower });
  new ResizeObserver(drawPlace).observe(sight);
  rove(studio.project.note);
  drawProject();
  drawKeys();
  drawPower();
}
