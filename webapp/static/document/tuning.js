// Tunings: which pitch each key has.
/** @import { Tuning } from "./types.js" */

const KEYS = 128;
const LONGEST_NAME = 120;

/**
 * How a key sounds: by the note of the `pitch` nearest to it, `detune` semitones higher; null for a key that has none.
 * @param {Tuning | null} tuning  null for keys that sound as they are named
 * @param {number} key
 * @returns {{pitch: number, detune: number} | null}
 */
export function placeOf(tuning, key) {
  const tuned = tuning ? tuning.pitches[key] : key;
  if (tuned === null || tuned === undefined) return null;
  const pitch = Math.round(tuned);
  return { pitch, detune: tuned - pitch };
}

/**
 * The tuning that `value` is, without anything else that it may hold; null for any other value, and for no tuning.
 * @param {any} value
 * @returns {Tuning | null}
 */
export function checkedTuning(value) {
  const { name, pitches } = value ?? {};
  if (typeof name !== "string" || !Array.isArray(pitches) || pitches.length !== KEYS) return null;
  if (!pitches.every((pitch) => pitch === null || Number.isFinite(pitch))) return null;
  if (pitches.every((pitch, key) => pitch === key)) return null;
  return { name: name.slice(0, LONGEST_NAME), pitches: [...pitches] };
}
