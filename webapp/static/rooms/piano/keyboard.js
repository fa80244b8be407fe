// The keys as one sees them: built once, lit and lettered as the studio tells.

import { h } from "../../parts/dom.js";
import { SEMITONES } from "../../parts/keys.js";

const BLACK = new Set([1, 3, 6, 8, 10]);
const NARROWEST_KEY = 26; // CSS pixels; when all keys would be narrower, the piano shows two octaves
const WHITE_IN_TWO_OCTAVES = 15;

const isBlack = (pitch) => BLACK.has(pitch % 12);

export function createKeyboard(studio, host) {
  const { model, pitchName } = studio;
  const pitches = Array.from({ length: model.high - model.low + 1 }, (_, index) => model.low + index);
  const whites = pitches.filter((pitch) => !isBlack(pitch));
  const whitesBelow = (pitch) => whites.filter((white) => white < pitch).length;
  const label = `Piano, ${pitchName(model.low)} to ${pitchName(model.high)}`;
  const board = h("div", { class: "keys", role: "group", "aria-label": label });
  const keys = new Map(pitches.map((pitch) => [pitch, createKey(pitch)]));
  board.append(...keys.values());
  host.style.setProperty("--whites", whites.length);

  function createKey(pitch) {
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
    return key;
  }

  // A light over each block of keys whose notes have come.
  const arrival = h("div", { class: "arrival", "aria-hidden": "true" });
  for (const block of studio.blocks()) {
    const part = h("span", {});
    part.style.flexGrow = whites.filter((pitch) => pitch >= block.low && pitch <= block.high).length;
    arrival.append(part);
  }
  const sight = h("div", { class: "sight" }, h("div", { class: "run" }, arrival, board));
  const isNarrow = () => sight.clientWidth < whites.length * NARROWEST_KEY;

  return {
    element: sight,
    board,
    key: (pitch) => keys.get(pitch),
    isNarrow,
    // Tab reaches this key alone.
    rove(pitch) {
      for (const [at, key] of keys) key.tabIndex = at === pitch ? 0 : -1;
    },
    // Brings the computer keys' octave into sight, in the middle of two where the piano is narrow, and letters it.
    // Returns the lowest and the highest pitch that are named beside the octave buttons.
    drawPlace(letters) {
      const narrow = isNarrow();
      host.classList.toggle("narrow", narrow);
      const visible = narrow ? Math.min(WHITE_IN_TWO_OCTAVES, whites.length) : whites.length;
      const { octave } = studio.project;
      const first = Math.max(model.low, Math.min(octave - 12, model.high - 24));
      sight.style.setProperty("--zoom", whites.length / visible);
      sight.style.setProperty("--first", narrow ? whitesBelow(first) : 0);
      for (const key of keys.values()) delete key.dataset.letter;
      for (const [code, semitones] of Object.entries(SEMITONES)) {
        const key = keys.get(octave + semitones);
        if (key) key.dataset.letter = letters[code];
      }
      const [low, high] = narrow ? [first, first + 24] : [octave, octave + 17];
      return [low, Math.min(model.high, high)];
    },
    drawKeys({ down, waiting, sounding }) {
      for (const [pitch, key] of keys) {
        key.classList.toggle("down", down.has(pitch));
        key.classList.toggle("waiting", waiting.has(pitch));
        key.classList.toggle("sounding", sounding.has(pitch));
        key.setAttribute("aria-pressed", String(down.has(pitch)));
      }
      for (const [index, block] of studio.blocks().entries())
        arrival.children[index].classList.toggle("loaded", block.loaded);
    },
  };
}
