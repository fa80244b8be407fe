// What a key's velocity does to a note: softer notes are quieter and duller.

import { dbToGain } from "./adsr.js";

export const FULL_TONE = 0.8; // velocity of a note as the model made it, and of keys that do not tell how hard they are hit
export const VELOCITY_RANGE_DB = 40; // between MIDI's velocities 1 and 127
const HARDEST = 127;
const ROOT = 10 ** (VELOCITY_RANGE_DB / 40);
const OFFSET = (HARDEST - ROOT) / (ROOT - 1);
const SHELF_PER_DB = 0.8; // so much duller (dB) is a softer note for each dB that it is quieter: as in packs' velocity layers
const DULLEST_DB = -12;
const SHELF_HARMONIC = 3; // where the shelf lies, in multiples of the fundamental ...
const SHELF_HZ = [300, 4000]; // ... and between these

/**
 * Share of full level at a velocity of 0 to 1: the curve of packs, in every format (gansynth_core/packs/dynamics.py).
 * @param {number} velocity
 */
export const velocityGain = (velocity) => ((HARDEST * velocity + OFFSET) / (HARDEST + OFFSET)) ** 2;

/**
 * How much weaker (dB) the partials well above the fundamental are at a velocity: 0 from FULL_TONE on.
 * @param {number} velocity
 */
export const velocityShelf = (velocity) =>
  Math.max(DULLEST_DB, Math.min(0, SHELF_PER_DB * 20 * Math.log10(velocityGain(velocity) / velocityGain(FULL_TONE))));

/**
 * Coefficients of that shelf: first order, 1 at the bottom, `db` at the top, half of it at three times the fundamental; by
 * the bilinear transform, as `softer` in gansynth_core/packs/shaping.py.
 * @param {number} pitch  MIDI
 * @param {number} db
 * @param {number} rate
 */
export function shelfFilter(pitch, db, rate) {
  const hz = 440 * 2 ** ((pitch - 69) / 12);
  const corner = 2 * Math.PI * Math.min(Math.max(SHELF_HARMONIC * hz, SHELF_HZ[0]), SHELF_HZ[1], 0.4 * rate);
  const root = Math.sqrt(dbToGain(db));
  const twice = 2 * rate;
  return {
    feedforward: [root * twice + corner, corner - root * twice],
    feedback: [twice / root + corner, corner - twice / root],
  };
}
