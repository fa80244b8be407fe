// Comparing: another sound in place of the present one, as loud as it is, for as long as somebody wants to hear it.
/** @import { Comparing, Desk, Playing, Solo } from "./types.js" */

import { dbToGain } from "./audio/adsr.js";
import { matchDb } from "./audio/loudness.js";
import { soundText } from "./document/sound.js";

/**
 * @param {Desk} desk
 * @param {Playing} playing
 * @param {Solo} solo
 * @returns {Comparing}
 */
export function createComparing({ model, engine, notes, bench, heard }, playing, solo) {
  /** Of the other sound. @type {string | null} */
  let comparing = null;

  const shareAt = (pitch) =>
    comparing === null ? 1 : dbToGain(matchDb(notes.get(comparing, pitch), notes.get(bench.text, pitch), model.rate));

  // What sounds goes over to the sound whose turn it is; where nothing does, its note is played.
  function compareNow() {
    const { text } = bench;
    const { note } = bench.project;
    const what = comparing ?? text;
    const sounding = playing.voices();
    const alone = playing.isHeld() ? null : solo.voice();
    if (alone) sounding.push([note, alone]);
    for (const [pitch, voice] of sounding) {
      const samples = notes.get(what, pitch);
      if (!samples || !notes.has(text, pitch)) continue;
      const name = comparing === null ? text : `as loud: ${what}`;
      engine.crossTo(voice, [{ samples, share: shareAt(pitch) }], name);
    }
    if (sounding.length || playing.isHeld() || !engine.isRunning()) return;
    if (!notes.has(what, note) || !notes.has(text, note)) return;
    solo.play(notes.get(what, note), comparing === null ? text : null, { share: shareAt(note) });
  }

  /** @type {Comparing["compare"]} */
  async function compare(other) {
    const what = soundText(other);
    comparing = what;
    heard.moveOn();
    const prepare = (text) => notes.prepare([text], playing.pitchesAtHand());
    await Promise.all([prepare(what), prepare(bench.text)]);
    if (comparing === what) compareNow();
  }

  return {
    compare,
    compareOff() {
      if (comparing === null) return;
      comparing = null;
      compareNow();
    },
    compareDb(other) {
      const { note } = bench.project;
      const [ours, theirs] = [notes.get(bench.text, note), notes.get(soundText(other), note)];
      return ours && theirs ? matchDb(theirs, ours, model.rate) : null;
    },
    isOn: () => comparing !== null,
    again() {
      if (comparing !== null) compare(JSON.parse(comparing));
    },
  };
}
