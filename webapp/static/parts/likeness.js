// "More like this": a room asks, the map shows.

import { show } from "./tabs.js";

/**
 * @param {import("../document/types.js").Sound} sound
 * @param {string} name  what it is called here
 */
export function findLike(sound, name) {
  show("map");
  window.dispatchEvent(new CustomEvent("studio:like", { detail: { sound, name } }));
}

/** @type {(listener: (asked: {sound: import("../document/types.js").Sound, name: string}) => void, signal: AbortSignal) => void} */
export const onFindLike = (listener, signal) =>
  window.addEventListener("studio:like", ({ detail }) => listener(detail), { signal });
