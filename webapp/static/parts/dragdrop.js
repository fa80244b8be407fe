// Sounds carried by drag and drop from one part of the page to another: {sound, name}.

import { toast } from "./dom.js";
import { knownSound } from "../document/checked.js";

const TYPE = "application/x-gansynth-sound";

// `element` can be dragged away; content() tells what it then carries.
export function carries(element, content) {
  element.draggable = true;
  element.addEventListener("dragstart", (event) => {
    event.dataTransfer.setData(TYPE, JSON.stringify(content()));
    event.dataTransfer.effectAllowed = "copy";
  });
}

// Sounds can be dropped on `element`: take({sound, name}) for those that `model` knows.
export function receives(element, model, take) {
  let over = 0; // entered elements: each child is entered and left for itself
  const mark = (by) => {
    over = by === 0 ? 0 : Math.max(0, over + by);
    element.classList.toggle("receiving", over > 0);
  };
  const carried = (event) => event.dataTransfer.types.includes(TYPE);
  element.addEventListener("dragenter", (event) => carried(event) && mark(1));
  element.addEventListener("dragleave", (event) => carried(event) && mark(-1));
  element.addEventListener("dragover", (event) => {
    if (!carried(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  element.addEventListener("drop", (event) => {
    if (!carried(event)) return;
    event.preventDefault();
    mark(0);
    const { sound, name } = JSON.parse(event.dataTransfer.getData(TYPE));
    const known = knownSound(sound, model);
    if (known) take({ sound: known, name });
    else toast("This sound belongs to another model.");
  });
}
