// Short phrases that show a sound in context.
/** @import { Phrase, PhraseNote } from "./types.js" */

/** @type {Phrase[]} */
export const PHRASES = [
  {
    name: "arpeggio",
    title: "Arpeggio",
    beats: 8,
    notes: [
      [0, 0.5, 0, 0.85],
      [0.5, 0.5, 7, 0.62],
      [1, 0.5, 12, 0.7],
      [1.5, 0.5, 16, 0.66],
      [2, 0.5, 19, 0.8],
      [2.5, 0.5, 16, 0.6],
      [3, 0.5, 12, 0.68],
      [3.5, 0.5, 7, 0.55],
      [4, 0.5, -3, 0.82],
      [4.5, 0.5, 4, 0.6],
      [5, 0.5, 12, 0.7],
      [5.5, 0.5, 16, 0.66],
      [6, 0.5, 21, 0.88],
      [6.5, 0.5, 16, 0.62],
      [7, 0.5, 12, 0.66],
      [7.5, 0.5, 4, 0.5],
    ],
  },
  {
    name: "chords",
    title: "Chords",
    beats: 16,
    notes: [
      ...chord(0, 3.5, [0, 7, 16, 23], 0.72),
      ...chord(4, 3.5, [-3, 4, 12, 19], 0.62),
      ...chord(8, 3.5, [-7, 5, 12, 16], 0.66),
      ...chord(12, 1.5, [-5, 5, 14, 19], 0.6),
      ...chord(14, 1.5, [-5, 2, 11, 19], 0.8),
    ],
  },
  {
    name: "bass",
    title: "Bass line",
    beats: 8,
    notes: [
      [0, 0.9, -12, 0.95],
      [1.5, 0.4, -12, 0.6],
      [2, 0.4, 0, 0.75],
      [2.75, 0.2, -12, 0.5],
      [3, 0.45, -5, 0.8],
      [3.5, 0.45, -2, 0.7],
      [4, 0.9, -15, 0.95],
      [5.5, 0.4, -15, 0.6],
      [6, 0.4, -3, 0.75],
      [6.75, 0.2, -15, 0.5],
      [7, 0.45, -7, 0.85],
      [7.5, 0.45, -5, 0.75],
    ],
  },
  {
    name: "melody",
    title: "Melody",
    beats: 16,
    notes: [
      [0, 1.4, 7, 0.7],
      [1.5, 0.45, 9, 0.6],
      [2, 1.9, 12, 0.85],
      [4, 0.9, 11, 0.65],
      [5, 0.9, 9, 0.6],
      [6, 1.9, 4, 0.75],
      [8, 0.3, 4, 0.9],
      [8.5, 0.3, 5, 0.8],
      [9, 0.3, 7, 0.85],
      [9.5, 0.3, 9, 0.8],
      [10, 1.9, 14, 0.95],
      [12, 0.9, 12, 0.7],
      [13, 0.9, 7, 0.55],
      [14, 1.9, 12, 0.4],
    ],
  },
];

/** Beats per minute. @type {[number, number]} */
export const TEMPO = [40, 240];

/** @returns {PhraseNote[]} */
function chord(beat, length, semitones, velocity) {
  return semitones.map((semitone) => [beat, length, semitone, velocity]);
}

/**
 * The phrase's pitches on a keyboard from `low` to `high`: moved by octaves as a whole, and note by note where it is wider.
 * @param {Phrase} phrase
 * @param {number} root
 * @param {number} low
 * @param {number} high
 */
export function pitchesOf(phrase, root, low, high) {
  const steps = phrase.notes.map(([, , semitones]) => semitones);
  let base = root;
  while (base + Math.min(...steps) < low) base += 12;
  while (base + Math.max(...steps) > high && base + Math.min(...steps) - 12 >= low) base -= 12;
  return steps.map((semitones) => {
    let pitch = base + semitones;
    while (pitch > high) pitch -= 12;
    while (pitch < low) pitch += 12;
    return pitch;
  });
}
