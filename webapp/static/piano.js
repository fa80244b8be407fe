// The piano: mouse with glissando, fingers, computer keys, and Tab with arrows for those who play without any of them.

import { h, hostOf, icon, toggle } from "./dom.js";
import { keyLabels, meaning, SEMITONES } from "./keys.js";
import { openStudio } from "./studio.js";

const BLACK = new Set([1, 3, 6, 8, 10]);
const NARROWEST_KEY = 26; // CSS pixels; when all keys would be narrower, the piano shows two octaves
const WHITE_IN_TWO_OCTAVES = 15;

const isBlack = (pitch) => BLACK.has(pitch % 12);

let leave = null; // takes back the listeners of a former mount

export default async function mount({ element }) {
  leave?.();
  const host = hostOf(element);
  const studio = await openStudio();
  const { model, engine, pitchName } = studio;
  const leaving = new AbortController();
  leave = () => leaving.abort();
  const listen = (type, handler, options = {}) =>
    window.addEventListener(type, handler, { ...options, signal: leaving.signal });

  const pitches = Array.from({ length: model.high - model.low + 1 }, (_, index) => model.low + index);
  const whites = pitches.filter((pitch) => !isBlack(pitch));
  const keys = new Map();
  const board = h("div", { class: "keys", role: "group", "aria-label": `Piano, ${pitchName(model.low)} to ${pitchName(model.high)}` });
  const whitesBelow = (pitch) => whites.filter((white) => white < pitch).length;

  for (const pitch of pitches) {
    const key = h(
      "button",
      { class: isBlack(pitch) ? "key black" : "key white", "data-pitch": pitch, "aria-label": pitchName(pitch), "aria-pressed": "false", tabindex: "-1" },
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

  const down = h("button", { class: "tool", "aria-label": "Octave down", title: "Octave down (Z)", onclick: () => shift(-12) }, icon("M15 5l-7 7 7 7"));
  const up = h("button", { class: "tool", "aria-label": "Octave up", title: "Octave up (X)", onclick: () => shift(12) }, icon("M9 5l7 7-7 7"));
  const range = h("output", { class: "range", "aria-live": "polite" });
  const sustain = toggle("Hold", "Notes sound on after you let go", (on) => studio.dispatch({ type: "hold", on }));
  const stop = h("button", { class: "button", title: "Stop all sound (Esc)", onclick: () => studio.silence() }, "Stop");
  const hint = h("p", { class: "hint" }, "Keys ", h("kbd", {}, "A"), "–", h("kbd", {}, "'"), " play, ", h("kbd", {}, "Z"), h("kbd", {}, "X"), " shift the octave, ", h("kbd", {}, "Esc"), " stops");
  const veil = h(
    "button", { class: "veil", onclick: () => engine.enable() },
    h("span", {}, icon("M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11"), "Click to enable sound"),
  );
  const sight = h("div", { class: "sight" }, h("div", { class: "run" }, arrival, board));
  host.append(
    h("div", { class: "rail" }, h("div", { class: "octave" }, down, range, up), hint, sustain.element, stop),
    h("div", { class: "case" }, sight, veil),
  );

  // Pointers: each finger (or the mouse) holds at most one key and may slide on to the next.
  const pointers = new Map(); // pointerId -> pitch or null while between keys
  const pitchAt = (event) => {
    const key = document.elementFromPoint(event.clientX, event.clientY)?.closest(".key");
    return key && board.contains(key) ? Number(key.dataset.pitch) : null;
  };
  function hold(event, pitch) {
    const before = pointers.get(event.pointerId) ?? null;
    pointers.set(event.pointerId, pitch);
    if (before === pitch) return;
    if (pitch !== null) studio.press(pitch);
    if (before !== null && ![...pointers.values()].includes(before)) studio.lift(before);
  }
  board.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // no text selection, no drag image; focus is set below
    document.activeElement?.blur?.(); // a search field keeps no letters once one plays
    hold(event, pitchAt(event));
  });
  listen("pointermove", (event) => pointers.has(event.pointerId) && hold(event, pitchAt(event)));
  for (const type of ["pointerup", "pointercancel"]) {
    listen(type, (event) => {
      if (!pointers.has(event.pointerId)) return;
      hold(event, null);
      pointers.delete(event.pointerId);
    });
  }
  board.addEventListener("contextmenu", (event) => event.preventDefault());

  // Computer keys.
  const typed = new Map(); // code -> pitch it started, whatever the octave is by now
  listen("keydown", (event) => {
    const what = meaning(event);
    if (!what || event.repeat) return;
    if (what.note !== undefined) {
      const pitch = studio.project.octave + what.note;
      typed.set(event.code, pitch);
      studio.press(pitch);
    } else if (what.shift) {
      shift(what.shift);
    } else {
      studio.silence();
    }
  });
  listen("keyup", (event) => {
    if (!typed.has(event.code)) return;
    studio.lift(typed.get(event.code));
    typed.delete(event.code);
  });
  listen("blur", () => {
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

  function drawPlace() {
    const narrow = isNarrow();
    host.classList.toggle("narrow", narrow);
    const visible = narrow ? Math.min(WHITE_IN_TWO_OCTAVES, whites.length) : whites.length;
    const { octave } = studio.project;
    const first = Math.max(model.low, Math.min(octave - 12, model.high - 24));
    sight.style.setProperty("--zoom", whites.length / visible);
    sight.style.setProperty("--first", narrow ? whitesBelow(first) : 0);
    range.textContent = narrow ? `${pitchName(first)}–${pitchName(Math.min(model.high, first + 24))}` : `${pitchName(octave)}–${pitchName(Math.min(model.high, octave + 17))}`;
    down.disabled = octave <= (narrow ? model.low + 12 : model.low);
    up.disabled = octave >= model.high - 12;
    for (const key of keys.values()) delete key.dataset.letter;
    for (const [code, semitones] of Object.entries(SEMITONES)) {
      const key = keys.get(octave + semitones);
      if (key) key.dataset.letter = labels[code];
    }
  }

  function drawKeys() {
    const { down: pressed, waiting, sounding } = studio.keys();
    for (const [pitch, key] of keys) {
      key.classList.toggle("down", pressed.has(pitch));
      key.classList.toggle("waiting", waiting.has(pitch));
      key.classList.toggle("sounding", sounding.has(pitch));
      key.setAttribute("aria-pressed", String(pressed.has(pitch)));
    }
    for (const [index, block] of studio.blocks().entries()) arrival.children[index].classList.toggle("loaded", block.loaded);
  }

  function drawProject() {
    sustain.box.checked = studio.project.hold;
    drawPlace();
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
