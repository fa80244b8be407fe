// For fingers, which cannot point without pressing: the first tap on a sound lets it be heard, the second takes it.

import { soundText } from "../document/sound.js";

/** @param {import("../types.js").Studio} studio */
export function createTaps(studio) {
  let finger = false; // whether the press under way is a finger's
  let marked = null; // the element tapped last

  return {
    press: (event) => void (finger = event.pointerType === "touch"),
    /**
     * Whether a click on an element is a finger's first tap on it: then its sound is heard, and no more. What plays already
     * is taken at once.
     * @param {HTMLElement} element
     * @param {import("../document/types.js").Sound} sound
     */
    isFirst(element, sound) {
      if (!finger || element === marked || soundText(sound) === studio.soundText) return false;
      marked?.removeAttribute("data-heard");
      marked = element;
      marked.dataset.heard = "";
      studio.listen(sound);
      return true;
    },
  };
}
