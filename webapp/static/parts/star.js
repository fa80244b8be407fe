// The star: keeps the sound that one hears in the favourites, or takes it out; also on the key B.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { labelOf, onLabels } from "./keylabels.js";
import { isLetter, STAR_KEY } from "./keys.js";
import { itemWith } from "../document/memory.js";
import { nameOnBench, toggleFavourite } from "./keeping.js";

let leave = null;

export function starButton(studio, label = null) {
  const button = h(
    "button",
    {
      class: label ? "button star" : "tool star",
      "aria-label": label ? null : "Star this sound",
      onclick: toggle,
    },
    icon("star"),
    label,
  );
  function toggle() {
    toggleFavourite(studio, studio.sound, nameOnBench(studio), studio.project.note);
  }
  function draw() {
    button.setAttribute("aria-pressed", String(Boolean(itemWith(studio.library.favourites, studio.soundText))));
  }
  studio.enter(`star-${label ?? "head"}`, { project: draw, library: draw });
  draw();

  leave?.();
  const leaving = new AbortController();
  leave = () => leaving.abort();
  onLabels(() => (button.title = `Keep this sound in the favourites (${labelOf(STAR_KEY)})`));
  function byKey(event) {
    if (!isLetter(event, STAR_KEY)) return;
    event.preventDefault(); // a list in focus would go to what begins with the letter
    if (!event.repeat) toggle();
  }
  window.addEventListener("keydown", byKey, { signal: leaving.signal });
  return button;
}
