// The star: keeps the sound that one hears in the favourites, or takes it out; also on the key B.

import { h } from "./dom.js";
import { icon } from "./icons.js";
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
      title: "Keep this sound in the favourites (B)",
      onclick: toggle,
    },
    icon("star"),
    label,
  );
  function toggle() {
    toggleFavourite(studio, studio.sound, nameOnBench(studio), studio.project.note);
  }
  function draw() {
    button.setAttribute("aria-pressed", String(Boolean(itemWith(studio.project.favourites, studio.soundText))));
  }
  studio.enter(`star-${label ?? "head"}`, { project: draw });
  draw();

  leave?.();
  const leaving = new AbortController();
  leave = () => leaving.abort();
  window.addEventListener("keydown", (event) => isLetter(event, STAR_KEY) && !event.repeat && toggle(), {
    signal: leaving.signal,
  });
  return button;
}
