// Playing: the keys that are held, the pedal, and the phrase.
/** @import { Desk, Holding, PhrasePlayer, Playing } from "./types.js" */
/** @import { Voice } from "./audio/types.js" */

import { createPhrasePlayer } from "./audio/phrase.js";
import { placeOf } from "./document/tuning.js";

const TAP_MS = 200; // a key let go before its note arrived still sounds this long
const SHOWN_MS = 10; // after a phrase's note starts or ends

/**
 * A held key's voice, or what it is until its sound is there. pitch: of the note that sounds, `detune` semitones higher,
 * and `bend` more by the hand.
 * @typedef {{pitch: number, detune: number, bend: number, velocity: number, voice?: Voice, waiting?: "held" | "tapped"}} HeldKey
 */

/**
 * @param {Desk} desk
 * @param {Holding} holding
 * @returns {Playing}
 */
export function createPlaying(desk, holding) {
  const { model, engine, notes, fetcher, bench, heard, tell } = desk;
  /** By key. @type {Map<number, HeldKey>} */
  const held = new Map();
  let pedalDown = false;
  const has = (pitch) => notes.has(bench.text, pitch);
  const phrase = createPhrase(desk, () => [...held.values()].map(({ pitch }) => pitch));

  /** @type {Playing["canPress"]} */
  function canPress(key) {
    const place = key >= model.low && key <= model.high ? placeOf(bench.project.tuning, key) : null;
    return place !== null && place.pitch >= model.low && place.pitch <= model.high && !held.has(key);
  }

  /** @type {Playing["press"]} */
  function press(key, velocity) {
    const { text } = bench;
    const state = { ...placeOf(bench.project.tuning, key), bend: 0, velocity };
    const samples = engine.isRunning() && notes.get(text, state.pitch);
    if (samples) {
      heard.rest(text, state.pitch);
      held.set(key, { ...state, voice: start(key, state, samples) });
    } else {
      held.set(key, { ...state, waiting: "held" });
    }
    if (!has(state.pitch)) fetcher.want(state.pitch);
    return state.pitch;
  }

  const start = (key, { pitch, detune, bend, velocity }, samples) =>
    holding.watch(engine.noteOn(key, samples, { velocity, text: bench.text, detune: detune + bend }), pitch);

  /** @type {Playing["bend"]} */
  function bend(key, semitones) {
    const state = held.get(key);
    if (!state) return;
    state.bend = semitones;
    if (state.voice) engine.bendVoice(state.voice, state.detune + semitones);
  }

  /** @type {Playing["lift"]} */
  function lift(key) {
    const state = held.get(key);
    if (state === undefined) return;
    if (state.waiting === "held") {
      held.set(key, { ...state, waiting: "tapped" });
    } else if (state.voice) {
      held.delete(key);
      engine.noteOff(state.voice);
    }
    tell("keys");
  }

  /** @type {Playing["pedal"]} */
  function pedal(on) {
    if (on === pedalDown) return;
    pedalDown = on;
    engine.setPedal(on);
    tell("keys");
  }

  /**
   * A key that waited sounds.
   * @param {number} key
   * @param {HeldKey} state
   * @param {Int16Array} samples
   */
  function sound(key, { waiting, ...state }, samples) {
    const voice = start(key, state, samples);
    heard.rest(bench.text, state.pitch);
    if (waiting === "held") {
      held.set(key, { ...state, voice });
    } else {
      held.delete(key);
      setTimeout(() => engine.noteOff(voice), TAP_MS);
    }
  }

  /** @type {Playing["flush"]} */
  function flush(goOver) {
    for (const [key, state] of engine.isRunning() ? held : []) {
      const samples = notes.get(bench.text, state.pitch);
      if (!samples) continue;
      if (!state.voice) {
        sound(key, state, samples);
      } else if (goOver) {
        engine.crossTo(state.voice, [{ samples, share: 1 }], bench.text);
        heard.rest(bench.text, state.pitch);
      }
    }
    tell("keys");
  }

  return {
    canPress,
    press,
    bend,
    lift,
    pedal,
    phrase,
    flush,
    want() {
      for (const { pitch } of held.values()) if (!has(pitch)) fetcher.want(pitch);
    },
    giveUp() {
      for (const [key, state] of held) if (!state.voice) held.delete(key);
    },
    stop() {
      phrase.stop();
      pedal(false);
      for (const key of [...held.keys()]) lift(key);
      held.clear();
    },
    isPlaying: () => held.size > 0 || phrase.isOn(),
    isHeld: () => held.size > 0,
    voices: () => [...held.values()].flatMap(({ pitch, voice }) => (voice ? [[pitch, voice]] : [])),
    pitchesAtHand: () => (held.size ? [...held.values()].map(({ pitch }) => pitch) : [bench.project.note]),
    keys: () => ({ ...shownKeys(held), sounding: engine.sounding(), pedal: pedalDown }),
  };
}

/** @param {Map<number, HeldKey>} held */
function shownKeys(held) {
  const waiting = [...held].filter(([, state]) => state.waiting).map(([key]) => key);
  const down = [...held].filter(([, state]) => state.waiting !== "tapped").map(([key]) => key);
  return { down: new Set(down), waiting: new Set(waiting) };
}

/**
 * @param {Desk} desk
 * @param {() => number[]} heldPitches
 * @returns {PhrasePlayer}
 */
function createPhrase({ model, engine, notes, fetcher, bench, heard, tell }, heldPitches) {
  /** @type {Voice[]} */
  let voices = [];

  const player = createPhrasePlayer({
    settings() {
      const { phrase, note } = bench.project;
      return { ...phrase, root: note, low: model.low, high: model.high };
    },
    now: engine.now,
    isReady(key) {
      const place = placeOf(bench.project.tuning, key);
      return engine.isRunning() && (!place || Boolean(notes.newest(bench.text, place.pitch).samples));
    },
    // The present sound's note where it is here, else the newest that came: a drag must not leave holes.
    play(key, at, held, velocity) {
      const place = placeOf(bench.project.tuning, key);
      const { samples, which } = place ? notes.newest(bench.text, place.pitch) : {};
      if (!samples) return;
      const voice = engine.noteOn(key, samples, { at, held, velocity, text: which, detune: place.detune });
      voices = [...voices.filter(engine.has), voice];
      if (which === bench.text) heard.rest(bench.text, bench.project.note);
      const shown = () => tell("keys");
      setTimeout(shown, (at - engine.now()) * 1000 + SHOWN_MS);
      setTimeout(shown, (at + held - engine.now()) * 1000 + SHOWN_MS);
    },
    want(keys) {
      const pitches = keys.flatMap((key) => placeOf(bench.project.tuning, key)?.pitch ?? []);
      const missing = [...heldPitches(), ...pitches].filter((pitch) => !notes.has(bench.text, pitch));
      if (missing.length) fetcher.prefer(missing);
    },
    onChange() {
      if (!player.isOn()) for (const voice of voices.splice(0)) engine.cut(voice);
      tell("keys");
    },
  });
  return player;
}
