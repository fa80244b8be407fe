// Three hints for a first visit, one at a time in the top line. Each goes away once you have done what it says.

import { h } from "./dom.js";
import { labelOf, onLabels } from "./keylabels.js";
import { STAR_KEY } from "./keys.js";
import { readStorage, writeStorage } from "./storage.js";

const STORAGE_KEY = "gansynth-studio:hints";

const FINGERS = matchMedia("(hover: none)");
const ROW = ["KeyA", "KeyS", "KeyD", "KeyF"];

const HINTS = [
  {
    text: () =>
      FINGERS.matches
        ? "Play: touch the piano."
        : `Play: click the piano, or press ${ROW.map(labelOf).join(" ")} on your keyboard.`,
    done: (studio) => studio.keys().down.size > 0,
  },
  {
    text: () => "Drag the handle between A and B: the note follows.",
    done: (studio, before) => before !== null && before.morph !== studio.project.morph,
  },
  {
    text: () =>
      `Star what you like${FINGERS.matches ? "" : ` (${labelOf(STAR_KEY)})`}. Everything you heard is in History.`,
    done: (studio) => studio.library.favourites.length > 0,
  },
];

// The line, to be placed; empty once all hints have been seen.
export function hintLine(studio) {
  let at = Number(readStorage(STORAGE_KEY)) || 0;
  const text = h("span", {});
  const count = h("span", { class: "count" });
  const on = h("button", { class: "plain", onclick: () => go(at + 1) }, "Next");
  const away = h("button", { class: "plain", "aria-label": "Skip the hints", onclick: () => go(HINTS.length) }, "×");
  const line = h("p", { class: "hint-line", role: "note", hidden: true }, count, text, on, away);

  function go(to) {
    at = to;
    writeStorage(STORAGE_KEY, String(at));
    draw();
  }

  function draw() {
    line.hidden = at >= HINTS.length;
    if (line.hidden) return;
    count.textContent = `${at + 1}/${HINTS.length}`;
    text.textContent = HINTS[at].text();
    on.hidden = at === HINTS.length - 1;
  }

  const check = (before = null) => at < HINTS.length && HINTS[at].done(studio, before) && go(at + 1);
  studio.enter("hints", { project: check, keys: () => check(), library: () => check() });
  onLabels(draw);
  return line;
}
