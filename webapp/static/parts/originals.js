// Own sounds and the recordings that they were made of: those of this visit, and those that were kept.
/** @import { Item, Original, Sound } from "../document/types.js" */

import { soundText } from "../document/sound.js";
import { show } from "./tabs.js";

/** By the text of the sound. @type {Map<string, Original>} */
const originals = new Map();

/** @type {(sound: Sound, original: Original) => void} */
export const rememberOriginal = (sound, original) => void originals.set(soundText(sound), original);

/** @type {(sound: Sound) => Original | undefined} */
export const originalOf = (sound) => originals.get(soundText(sound));

/**
 * Shows an own sound beside the recording that is kept with it.
 * @param {Item} item
 */
export function openOriginal(item) {
  show("own");
  window.dispatchEvent(new CustomEvent("studio:own", { detail: item }));
}

/** @type {(listener: (item: Item) => void, signal: AbortSignal) => void} */
export const onOpenOriginal = (listener, signal) =>
  window.addEventListener("studio:own", ({ detail }) => listener(detail), { signal });
