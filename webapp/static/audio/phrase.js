// Plays phrases by writing their notes ahead into Web Audio's own time.
/** @import { PhraseSettings } from "../document/types.js" */

import { PHRASES, pitchesOf } from "../document/phrases.js";

const AHEAD_SECONDS = 0.15; // so far before its time a note is fixed: more than a timer is late, less than a hand feels
const START_SECONDS = 0.06;
const TICK_MS = 30;
const LATE_SECONDS = 0.05; // of a page that slept: the phrase then goes on from now instead of catching up
const PREFETCHED = 6; // notes to come whose sound is asked for

/**
 * @param {object} options
 * @param {() => PhraseSettings & {root: number, low: number, high: number}} options.settings  as they are now
 * @param {() => number} options.now  seconds
 * @param {(pitch: number) => boolean} options.isReady  whether it could sound
 * @param {(pitch: number, at: number, seconds: number, velocity: number) => void} options.play
 * @param {(pitches: number[]) => void} options.want  the first needed first
 * @param {() => void} options.onChange  it starts or ends
 * @param {(run: () => void, ms: number) => void} [options.later]  stands in for setTimeout in tests
 */
export function createPhrasePlayer({ settings, now, isReady, play, want, onChange, later = setTimeout }) {
  let turn = 0; // raised by start and stop, so that a former run's timer does nothing
  let on = false;
  let index = 0; // of the next note
  let anchor = null; // {beat, time} of the last note written, or null before the first

  function begin() {
    index = 0;
    anchor = null;
  }

  function tick(mine) {
    if (mine !== turn) return;
    const { name, tempo, loop, root, low, high } = settings();
    const phrase = PHRASES.find((one) => one.name === name) ?? PHRASES[0];
    const pitches = pitchesOf(phrase, root, low, high);
    index %= phrase.notes.length;
    const ahead = Array.from({ length: PREFETCHED }, (_, step) => pitches[(index + step) % pitches.length]);
    want([...new Set(ahead)]);
    if (!anchor && !isReady(pitches[0])) return later(() => tick(mine), TICK_MS);
    anchor ??= { beat: 0, time: now() + START_SECONDS };
    const beat = 60 / tempo;
    for (;;) {
      const [at, length, , velocity] = phrase.notes[index];
      const gap = (((at - anchor.beat) % phrase.beats) + phrase.beats) % phrase.beats;
      let time = anchor.time + gap * beat;
      if (time >= now() + AHEAD_SECONDS) break;
      if (time < now() - LATE_SECONDS) time = now() + START_SECONDS;
      play(pitches[index], time, length * beat, velocity);
      anchor = { beat: at, time };
      index++;
      if (index < phrase.notes.length) continue;
      index = 0;
      if (loop) continue;
      later(() => mine === turn && stop(), Math.max(0, time + length * beat - now()) * 1000);
      return;
    }
    later(() => tick(mine), TICK_MS);
  }

  function start() {
    begin();
    on = true;
    tick(++turn);
    onChange();
  }

  function stop() {
    if (!on) return;
    on = false;
    turn++;
    onChange();
  }

  return { start, stop, isOn: () => on };
}
