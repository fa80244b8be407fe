// The notes that sound or are to come: how each begins, goes over to another sound, is let go and ends.
/** @import { Layers, Output, Part, Tape, Voice, Voices } from "./types.js" */
/** @import { Patch } from "../document/types.js" */

import { scheduleEnvelope, scheduleRelease, timeConstant } from "./adsr.js";
import { glide, holdAt } from "./ramps.js";
import { createTape } from "./tape.js";
import { FULL_TONE, shelfFilter, velocityGain, velocityShelf } from "./velocity.js";

const RELEASE_SECONDS = 0.25; // of sounds only listened to
const STEAL_SECONDS = 0.04;
const END_SECONDS = 0.03;
const GONE = 1.5; // of a release: then the note is 90 dB down
const SHORTEST_DECAY = 0.1; // seconds, to a sustain level that was changed meanwhile
const MOST_VOICES = 16;
// A note that lasts goes over to another sound at the same place, or where that is being let go, back at this one: the
// shares are of its length.
const BACK_FROM = 0.65;
const BACK_TO = 0.25;
/** @type {Patch} */
export const PLAIN = { attack: 0, decay: 0, sustain: 1, release: RELEASE_SECONDS, gain: 0 };

/**
 * Which of `voices` gives way when `most` are there and one more comes at the time `now`: of those let go the one let go
 * first, then of those that only hold or the pedal keeps, then of those whose keys are down; null while there is room.
 * @param {Iterable<Voice>} voices
 * @param {number} now
 */
export function toSteal(voices, now, most = MOST_VOICES) {
  const there = [...voices].filter((voice) => !voice.stolen);
  if (there.length < most) return null;
  const isReleased = (voice) => voice.releasedAt !== null && voice.releasedAt <= now;
  const rank = (voice) => (isReleased(voice) ? 0 : voice.held ? 2 : 1);
  const age = (voice) => (isReleased(voice) ? voice.releasedAt : voice.starts);
  return there.reduce((first, voice) => ((rank(voice) - rank(first) || age(voice) - age(first)) < 0 ? voice : first));
}

/**
 * Where the voice is in its note, for another one to go on from there, or (see BACK_FROM) back from where it can.
 * @param {Voice} voice
 * @param {number} whole  seconds of that note
 */
function placeFor(voice, whole) {
  const now = voice.tape.played();
  if (voice.lasts && now - voice.began >= BACK_FROM * whole) voice.began = now - BACK_TO * whole;
  return now - voice.began;
}

/**
 * What is done to a single voice.
 * @param {{output: Output, layers: Layers, rate: number}} options
 */
function createVoiceWork({ output, layers, rate }) {
  /**
   * The nodes of a new note, which its first layer plays into.
   * @param {Patch} patch
   */
  function build(patch, { pitch, velocity, starts, held }) {
    const { context } = output;
    const envelope = new GainNode(context, { gain: 0 });
    scheduleEnvelope(envelope.gain, patch, starts, { level: velocityGain(velocity), held });
    const end = new GainNode(context, { gain: 1 });
    const dull = velocityShelf(velocity);
    if (dull < 0) end.connect(new IIRFilterNode(context, shelfFilter(pitch, dull, rate))).connect(envelope);
    else end.connect(envelope);
    envelope.connect(output.input);
    return { envelope, end };
  }

  /**
   * The voice's own end, so that the last samples of a note never stop in full swing.
   * @param {Voice} voice
   */
  function scheduleEnd(voice) {
    const now = output.now();
    const longest = Math.max(...voice.layers.map((layer) => layers.seconds(layer.samples)));
    const ends = now + (voice.began + longest - voice.tape.played()) / voice.tape.speed();
    voice.end.gain.cancelScheduledValues(0);
    voice.end.gain.setValueAtTime(1, Math.max(now, ends - END_SECONDS));
    voice.end.gain.linearRampToValueAtTime(0, Math.max(now, ends));
  }

  /**
   * Calls onGone() once the last of the voice's layers has come to its end.
   * @param {Voice} voice
   * @param {() => void} onGone
   */
  function watchEnd(voice, onGone) {
    for (const layer of voice.layers) {
      if (layer.awaited) continue;
      layer.awaited = true;
      layer.source.addEventListener("ended", () => {
        layer.gain.disconnect();
        if (!voice.layers.includes(layer)) return;
        voice.layers = voice.layers.filter((other) => other !== layer);
        if (voice.layers.length) return;
        voice.envelope.disconnect();
        onGone();
      });
    }
  }

  /** @param {Voice} voice */
  function stopAt(voice, time) {
    for (const layer of voice.layers) layer.source.stop(time);
  }

  /**
   * Out of the way, at once or at a `time` to come.
   * @param {Voice} voice
   */
  function steal(voice, time = output.now()) {
    if (voice.stolen) return;
    voice.stolen = true;
    voice.releasedAt = Math.min(voice.releasedAt ?? time, time);
    glide(output.context, voice.envelope.gain, 0, STEAL_SECONDS, time);
    stopAt(voice, time + STEAL_SECONDS * 2);
  }

  /**
   * @param {Voice} voice
   * @param {Patch} patch
   */
  function letGo(voice, patch) {
    if (voice.releasedAt !== null) return;
    voice.releasedAt = output.now();
    const { release } = voice.plain ? PLAIN : patch;
    holdAt(output.context, voice.envelope.gain, voice.releasedAt);
    scheduleRelease(voice.envelope.gain, { release }, voice.releasedAt);
    stopAt(voice, voice.releasedAt + release * GONE);
  }

  /**
   * Takes on the voice's own bend and that of the wheel.
   * @param {Voice} voice
   * @param {number} wheel  semitones
   */
  function bend(voice, wheel) {
    if (!voice.tape.bend(wheel + voice.detune)) return;
    for (const layer of voice.layers) layers.bend(layer, voice.tape);
    scheduleEnd(voice);
  }

  /**
   * The voice plays these longer samples of its own sound from here on; false if it plays no other than they.
   * @param {Voice} voice
   * @param {Int16Array} samples
   */
  function prolong(voice, samples) {
    const [layer] = voice.layers;
    if (voice.layers.length !== 1 || layer.samples.length >= samples.length) return false;
    const placeAt = (time) => voice.tape.played(time) - voice.began;
    voice.layers = [layers.goOn(layer, samples, placeAt, { into: voice.end, tape: voice.tape })];
    voice.isLong = true;
    scheduleEnd(voice);
    return true;
  }

  return { build, scheduleEnd, watchEnd, steal, letGo, bend, prolong };
}

/**
 * @param {{output: Output, layers: Layers, rate: number, onVoices: () => void}} options  onVoices() whenever
 *   a voice comes or is gone
 * @returns {Voices}
 */
export function createVoices({ output, layers, rate, onVoices }) {
  const work = createVoiceWork({ output, layers, rate });
  const { build, scheduleEnd, watchEnd, steal, letGo, bend } = work;
  /** @type {Set<Voice>} */
  const voices = new Set(); // the oldest first
  let patch = PLAIN;
  let hold = false;
  let pedal = false;
  let wheel = 0; // semitones

  function watch(voice) {
    watchEnd(voice, () => {
      voices.delete(voice);
      onVoices();
    });
  }

  function letGoOfAllKept() {
    if (!hold && !pedal) for (const voice of voices) if (!voice.held) letGo(voice, patch);
  }

  /** @type {Voices["noteOn"]} */
  function noteOn(pitch, samples, options = {}) {
    const { velocity = FULL_TONE, short = false, plain = false, text = null } = options;
    const { share = 1, at = null, held = Infinity, detune = 0 } = options;
    const starts = at ?? output.now();
    for (const voice of voices) if (voice.pitch === pitch) steal(voice, starts);
    const surplus = toSteal(voices, starts);
    if (surplus) steal(surplus, starts);
    const shape = plain ? PLAIN : patch;
    const { envelope, end } = build(shape, { pitch, velocity, starts, held });
    const tape = createTape(output, wheel + detune);
    const layer = layers.start({ samples, share }, { into: end, tape }, { at });
    const releasedAt = held < Infinity ? starts + held : null;
    if (releasedAt !== null) layer.source.stop(releasedAt + shape.release * GONE);
    const began = tape.played(layer.starts);
    const kind = { pitch, text, velocity, short, plain, tape, detune, lasts: false, isLong: false };
    const voice = { ...kind, layers: [layer], envelope, end, starts, began, held: true, releasedAt, stolen: false };
    voices.add(voice);
    scheduleEnd(voice);
    watch(voice);
    onVoices();
    return voice;
  }

  return {
    noteOn,
    noteOff(voice) {
      voice.held = false;
      if (voice.short || !(hold || pedal)) letGo(voice, patch);
    },
    cut: (voice) => steal(voice),
    cutAll() {
      for (const voice of voices) steal(voice);
    },
    has: (voice) => voices.has(voice),
    isHeld: (voice) => voices.has(voice) && voice.releasedAt === null,
    placeOf: (voice) => voice.tape.played() - voice.began,
    prolong(voice, samples) {
      if (work.prolong(voice, samples)) watch(voice);
    },
    crossTo(voice, parts, text) {
      if (voice.releasedAt !== null || (text !== null && voice.text === text)) return;
      const offset = placeFor(voice, Math.max(...parts.map(({ samples }) => layers.seconds(samples))));
      if (parts.some(({ samples }) => layers.isOver(samples, offset))) return;
      voice.layers = layers.remix(voice.layers, parts, offset, { into: voice.end, tape: voice.tape });
      Object.assign(voice, { text, isLong: false });
      scheduleEnd(voice);
      watch(voice);
    },
    newest() {
      const now = output.now();
      const note = [...voices].filter((voice) => !voice.plain && !voice.stolen && voice.starts <= now).at(-1);
      if (!note) return null;
      const { starts, releasedAt } = note;
      return { time: now - starts, held: releasedAt === null ? Infinity : releasedAt - starts };
    },
    sounding() {
      const now = output.now();
      const heard = (voice) => voice.starts <= now + 0.01 && (voice.releasedAt ?? Infinity) > now;
      return new Set([...voices].filter(heard).map((voice) => voice.pitch));
    },
    setHold(on) {
      hold = on;
      letGoOfAllKept();
    },
    setPedal(on) {
      pedal = on;
      letGoOfAllKept();
    },
    setPatch(next) {
      const before = patch;
      patch = next;
      if (!output.context || (next.sustain === before.sustain && next.decay === before.decay)) return;
      const now = output.now();
      const pace = timeConstant(Math.max(next.decay, SHORTEST_DECAY));
      for (const voice of voices) {
        if (voice.plain || voice.releasedAt !== null) continue;
        holdAt(output.context, voice.envelope.gain, now);
        voice.envelope.gain.setTargetAtTime(velocityGain(voice.velocity) * next.sustain, now, pace);
      }
    },
    setBend(semitones) {
      wheel = semitones;
      for (const voice of voices) bend(voice, wheel);
    },
    bendVoice(voice, semitones) {
      voice.detune = semitones;
      bend(voice, wheel);
    },
    busy: () => voices.size > 0,
  };
}
