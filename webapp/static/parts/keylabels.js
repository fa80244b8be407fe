// What is printed on this machine's keys, where the browser tells; otherwise as on a US keyboard until a key is pressed that
// says better.

import { COMPARE_KEY, OCTAVE_DOWN, OCTAVE_UP, PHRASE_KEY, SEMITONES, STAR_KEY } from "./keys.js";

const US = { Semicolon: ";", Quote: "'" };
const CODES = [...Object.keys(SEMITONES), OCTAVE_DOWN, OCTAVE_UP, PHRASE_KEY, STAR_KEY, COMPARE_KEY];

/** @type {Record<string, string>} */
const printed = Object.fromEntries(CODES.map((code) => [code, US[code] ?? code.slice(3)]));
const listeners = new Set();
let asked = false;

// The label of the key at a place (`code`).
export const labelOf = (code) => printed[code];

function learn(code, label) {
  const shown = label?.toUpperCase();
  if (!shown || !(code in printed) || printed[code] === shown) return false;
  printed[code] = shown;
  return true;
}

async function ask() {
  const layout = await navigator.keyboard?.getLayoutMap?.().catch(() => null);
  const changed = CODES.map((code) => learn(code, layout?.get(code)));
  if (changed.includes(true)) listeners.forEach((listener) => listener());
}

// Calls `listener` now and whenever labels change, until `signal` aborts.
export function onLabels(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener("abort", () => listeners.delete(listener));
  listener();
  if (asked) return;
  asked = true;
  ask();
  navigator.keyboard?.addEventListener?.("layoutchange", ask);
  window.addEventListener("keydown", ({ code, key, ctrlKey, altKey, metaKey }) => {
    if (ctrlKey || altKey || metaKey || [...key].length !== 1 || navigator.keyboard?.getLayoutMap) return;
    if (learn(code, key)) listeners.forEach((each) => each());
  });
}
