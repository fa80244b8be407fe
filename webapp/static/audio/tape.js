// How far a note has played in its own seconds, which a bend of the pitch makes pass faster or slower.
/** @import { Output, Tape } from "./types.js" */

/**
 * @param {Output} output
 * @param {number} [semitones]  the bend that it begins with
 * @returns {Tape}
 */
export function createTape(output, semitones = 0) {
  const last = { at: 0, since: 0, bend: semitones }; // what the tape said at the last bend
  const speed = () => 2 ** (last.bend / 12);
  const played = (time = output.now()) => last.at + (time - last.since) * speed();
  return {
    played,
    speed,
    cents: () => 100 * last.bend,
    bend(semitones) {
      if (!output.context || semitones === last.bend) return false;
      Object.assign(last, { at: played(), since: output.now(), bend: semitones });
      return true;
    },
  };
}
