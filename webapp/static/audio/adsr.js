// How a note's level runs while its key is down and after: the formula of `Envelope` in gansynth_core/sound.py, which
// shapes saved notes, made of the two curves that Web Audio follows exactly (a straight line, an exponential approach).
//
// A patch is {attack, decay, sustain, release, gain}: seconds, seconds, share of full level, seconds, dB. After `release`
// seconds a note is 60 dB down; `decay` brings it as near to the sustain level.
/** @import { Patch } from "../document/types.js" */

const SIXTY_DB = Math.log(1000);

/** @param {number} db */
export const dbToGain = (db) => 10 ** (db / 20);

/**
 * Time constant of an exponential approach that leaves a thousandth of the way after `seconds`.
 * @param {number} seconds
 */
export const timeConstant = (seconds) => seconds / SIXTY_DB;

// Where the attack leads; without a decay straight to the sustain level, or the note would jump there.
const peakOf = ({ decay, sustain }) => (decay > 0 ? 1 : sustain);

/**
 * Level (0 to 1) at `time` seconds of a note whose key is held for `held` seconds.
 * @param {Patch} patch
 * @param {number} time
 * @returns {number}
 */
export function levelAt(patch, time, held = Infinity) {
  const { attack, decay, sustain, release } = patch;
  if (time >= held) return levelAt(patch, held) * Math.exp(-(time - held) / timeConstant(release));
  if (time < attack) return (peakOf(patch) * time) / attack;
  return decay > 0 ? sustain + (1 - sustain) * Math.exp(-(time - attack) / timeConstant(decay)) : sustain;
}

/**
 * Writes a note's whole level into the `param` of a gain that is 0; let go after `held` seconds where that is known
 * beforehand, else by a later `scheduleRelease`.
 * @param {AudioParam} param
 * @param {Patch} patch
 * @param {number} start  the context's seconds
 * @param {{level?: number, held?: number}} [options]  `level` is full level
 */
export function scheduleEnvelope(param, patch, start, { level = 1, held = Infinity } = {}) {
  const { attack, decay, sustain } = patch;
  const rise = Math.min(attack, held);
  param.setValueAtTime(level * levelAt(patch, 0), start);
  if (rise > 0) param.linearRampToValueAtTime(level * peakOf(patch) * (rise / attack), start + rise);
  if (decay > 0 && held > attack) param.setTargetAtTime(level * sustain, start + attack, timeConstant(decay));
  if (held < Infinity) scheduleRelease(param, patch, start + held);
}

/**
 * @param {AudioParam} param
 * @param {Pick<Patch, "release">} patch
 * @param {number} at  the context's seconds
 */
export function scheduleRelease(param, { release }, at) {
  param.setTargetAtTime(0, at, timeConstant(release));
}
