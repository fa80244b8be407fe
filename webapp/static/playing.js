// Playing: the keys that are held, the pedal, and the phrase.
/** @import { Desk, PhrasePlayer, Playing } from "./types.js" */
/** @import { Voice } from "./audio/types.js" */

import { createPhrasePlayer } from "./audio/phrase.js";

const TAP_MS = 200; // a key let go before its note arrived still sounds this long
const SHOWN_MS = 10; // after a phrase's note starts or ends

/**
 * @param {Desk} desk
 * @returns {Playing}
 */
export function createPlaying(desk) {
  const { model, engine, notes, fetcher, bench, heard, tell } = desk;
  /** By pitch: its voice, or what it is until its sound is there. @type {Map<number, HeldKey>} */
  const held = new Map();
  /** @typedef {{voice?: Voice, waiting?: "held" | "tapped", velocity?: number}} HeldKey */
  let pedalDown = false;
  const phrase = createPhrase(desk, () => [...held.keys()]);
  const has = (pitch) => notes.has(bench.text, pitch);

  /** @type {Playing["press"]} */
  function press(pitch, velocity) {
    const { text } = bench;
    const samples = engine.isRunning() && notes.get(text, pitch);
    if (samples) {
      heard.rest(text, pitch);
      held.set(pitch, { voice: engine.noteOn(pitch, samples, { velocity, text }) });
    } else {
      held.set(pitch, { waiting: "held", velocity });
    }
    if (!has(pitch)) fetcher.want(pitch);
  }

  /** @type {Playing["lift"]} */
  function lift(pitch) {
    const state = held.get(pitch);
    if (state === undefined) return;
    if (state.waiting === "held") {
      held.set(pitch, { ...state, waiting: "tapped" });
    } else if (state.voice) {
      held.delete(pitch);
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
   * @param {number} pitch
   * @param {HeldKey} state
   * @param {Int16Array} samples
   */
  function sound(pitch, { waiting, velocity }, samples) {
    const voice = engine.noteOn(pitch, samples, { velocity, text: bench.text });
    heard.rest(bench.text, pitch);
    if (waiting === "held") {
      held.set(pitch, { voice });
    } else {
      held.delete(pitch);
      setTimeout(() => engine.noteOff(voice), TAP_MS);
    }
  }

  /** @type {Playing["flush"]} */
  function flush(goOver) {
    for (const [pitch, state] of engine.isRunning() ? held : []) {
      const samples = notes.get(bench.text, pitch);
      if (!samples) continue;
      if (!state.voice) {
        sound(pitch, state, samples);
      } else if (goOver) {
        engine.crossTo(state.voice, [{ samples, share: 1 }], bench.text);
        heard.rest(bench.text, pitch);
      }
    }
    tell("keys");
  }

  return {
    canPress: (pitch) => pitch >= model.low && pitch <= model.high && !held.has(pitch),
    press,
    lift,
    pedal,
    phrase,
    flush,
    want() {
      for (const pitch of held.keys()) if (!has(pitch)) fetcher.want(pitch);
    },
    giveUp() {
      for (const [pitch, state] of held) if (!state.voice) held.delete(pitch);
    },
    stop() {
      phrase.stop();
      pedal(false);
      for (const pitch of [...held.keys()]) lift(pitch);
      held.clear();
    },
    isPlaying: () => held.size > 0 || phrase.isOn(),
    isHeld: () => held.size > 0,
    voices: () => [...held].flatMap(([pitch, { voice }]) => (voice ? [[pitch, voice]] : [])),
    pitchesAtHand: () => (held.size ? [...held.keys()] : [bench.project.note]),
    keys() {
      const waiting = [...held].filter(([, state]) => state.waiting).map(([pitch]) => pitch);
      const down = [...held].filter(([, state]) => state.waiting !== "tapped").map(([pitch]) => pitch);
      return { down: new Set(down), waiting: new Set(waiting), sounding: engine.sounding(), pedal: pedalDown };
    },
  };
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
    isReady: (pitch) => engine.isRunning() && Boolean(notes.newest(bench.text, pitch).samples),
    // The present sound's note where it is here, else the newest that came: a drag must not leave holes.
    play(pitch, at, held, velocity) {
      const { samples, which } = notes.newest(bench.text, pitch);
      if (!samples) return;
      const voice = engine.noteOn(pitch, samples, { at, held, velocity, text: which });
      voices = [...voices.filter(engine.has), voice];
      if (which === bench.text) heard.rest(bench.text, bench.project.note);
      const shown = () => tell("keys");
      setTimeout(shown, (at - engine.now()) * 1000 + SHOWN_MS);
      setTimeout(shown, (at + held - engine.now()) * 1000 + SHOWN_MS);
    },
    want(pitches) {
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
