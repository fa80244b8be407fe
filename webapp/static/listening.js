// Listening: what sounds beside the keys, and how it follows a hand.
/** @import { NearSound, Part, Voice } from "./audio/types.js" */
/** @import { Sound } from "./document/types.js" */
/** @import { Bench, Desk, Heard, Listening, Playing, Solo } from "./types.js" */

import { levelled } from "./audio/keyframes.js";
import { soundText } from "./document/sound.js";
import { toast } from "./parts/dom.js";
import { createNewest, retryAfter } from "./server/net.js";

const AUDITION_MS = 1500;
const LISTEN_MS = 600; // what goes on listening asks again within this
const REST_MS = 700; // a sound that stays this long was listened to
const TRY_MS = 400; // of a note that was tried out, after its decay
const LONGEST_DECAY = 0.8; // seconds of a decay that are waited for

/**
 * @param {{bench: Bench, onHeard: (sound: Sound, pitch: number) => void}} options
 * @returns {Heard}
 */
export function createHeard({ bench, onHeard }) {
  let resting = null; // {text, timer}: the sound that plays, on its way to having been heard

  function moveOn() {
    clearTimeout(resting?.timer);
    resting = null;
  }

  return {
    moveOn,
    rest(text, pitch) {
      if (bench.isDragging() || resting?.text === text) return;
      moveOn();
      const timer = setTimeout(() => {
        resting = null;
        onHeard(JSON.parse(text), pitch);
      }, REST_MS);
      resting = { text, timer };
    },
  };
}

/**
 * @param {Desk} desk
 * @returns {Solo}
 */
export function createSolo({ engine, bench, heard }) {
  /** @type {Voice | null} */
  let newest = null;

  function cut() {
    if (newest) engine.cut(newest);
  }

  return {
    play(samples, text, { plain = false, ms = AUDITION_MS, share = 1, detune = 0 } = {}) {
      const { note } = bench.project;
      cut();
      const voice = engine.noteOn(note, samples, { short: true, plain, text, share, detune });
      newest = voice;
      if (text) heard.rest(text, note);
      setTimeout(() => engine.noteOff(voice), ms);
    },
    voice: () => (newest && engine.sounding().has(bench.project.note) ? newest : null),
    cut,
    release() {
      if (newest) engine.noteOff(newest);
    },
  };
}

/**
 * The live voice, which follows a hand that drags the sound.
 * @param {Desk} desk
 * @param {Playing} playing
 */
function createFollowing({ engine, notes, bench, heard, fetcher }, playing) {
  /** @type {string | null} */
  let liveText = null;

  /**
   * The newest sound that is here: exact for the present one, late ones rather than none.
   * @param {string} text
   */
  function follow(text) {
    const { note, audition } = bench.project;
    if (!bench.isDragging() || playing.isPlaying() || !engine.isRunning() || !audition) return;
    if (liveText === bench.text && text !== bench.text) return;
    const samples = notes.get(text, note);
    if (!samples) return;
    liveText = text;
    engine.live([{ samples, share: 1 }]);
  }

  /**
   * Notes of one pitch with their shares, each once; null unless all are here.
   * @param {NearSound[]} near
   * @param {number} pitch
   * @returns {Part[] | null}
   */
  function mixture(near, pitch) {
    const shares = new Map();
    for (const { sound, share } of near) {
      const samples = notes.get(soundText(sound), pitch);
      if (!samples) return null;
      shares.set(samples, (shares.get(samples) ?? 0) + share);
    }
    return levelled([...shares].map(([samples, share]) => ({ samples, share })));
  }

  /** @type {Listening["approach"]} */
  function approach(near) {
    const { note, audition } = bench.project;
    for (const [pitch, voice] of playing.voices()) {
      const parts = !notes.has(bench.text, pitch) && mixture(near, pitch);
      if (parts) engine.crossTo(voice, parts, null);
    }
    if (playing.isPlaying() || notes.has(bench.text, note) || !audition) return;
    const parts = mixture(near, note);
    if (!parts) return;
    liveText = bench.text; // what comes late of former sounds would be a step back
    engine.live(parts);
  }

  function letGo() {
    const { note } = bench.project;
    const wasHeard = liveText === bench.text || (playing.isHeld() && notes.has(bench.text, note));
    liveText = null;
    if (wasHeard) heard.rest(bench.text, note);
    engine.liveOff();
    fetcher.setAlone(false);
  }

  return { follow, approach, letGo, heard: () => liveText };
}

/**
 * The note under the hand of any sound, once; of many asked for in a hurry (hovering) only the newest. The rest of the
 * keyboard waits while one listens about.
 * @param {Desk} desk
 * @param {Solo} solo
 */
function createPointing({ engine, notes, bench, fetcher }, solo) {
  let until = null; // the keyboard waits

  /** @type {ReturnType<typeof createNewest<{text: string, note: number}, Int16Array>>} */
  const newest = createNewest(
    ({ text, note }, signal) => notes.note(text, note, signal),
    (samples, { text }) => engine.isRunning() && solo.play(samples, text, { plain: true }),
    (error) => retryAfter(error) === null && error.name !== "AbortError" && toast(error.message),
  );

  return {
    forget: newest.forget,
    /** @param {Sound} other */
    listen(other) {
      clearTimeout(until);
      fetcher.setAlone(true);
      until = setTimeout(() => !bench.isDragging() && fetcher.setAlone(false), LISTEN_MS);
      newest.ask({ text: soundText(other), note: bench.project.note });
    },
  };
}

/**
 * @param {Desk} desk
 * @param {Playing} playing
 * @param {Solo} solo
 * @returns {Listening}
 */
export function createListening(desk, playing, solo) {
  const { engine, notes, bench, heard, fetcher } = desk;
  const following = createFollowing(desk, playing);
  const pointing = createPointing(desk, solo);
  let isDue = false; // the audition of a change

  /** The present sound's note under the hand, if it may be heard now. */
  function noteToHear() {
    if (!engine.isRunning() || playing.isPlaying()) return null;
    return notes.get(bench.text, bench.project.note) ?? null;
  }

  return {
    begin(live) {
      heard.moveOn();
      pointing.forget();
      isDue = bench.project.audition && !live;
    },
    audition() {
      const samples = isDue && noteToHear();
      if (!samples) return;
      isDue = false;
      solo.play(samples, bench.text);
    },
    // The note under the hand from its attack to its release.
    tryOut() {
      const { attack, decay } = bench.project.patch;
      const samples = noteToHear();
      if (samples) solo.play(samples, bench.text, { ms: 1000 * (attack + Math.min(decay, LONGEST_DECAY)) + TRY_MS });
    },
    takeHold() {
      heard.moveOn();
      fetcher.setAlone(true);
      solo.cut();
      following.follow(bench.text);
    },
    follow: following.follow,
    approach: following.approach,
    letGo: following.letGo,
    heard: following.heard,
    giveWay() {
      isDue = false;
      engine.liveOff();
    },
    listen: pointing.listen,
    hush() {
      heard.moveOn();
      pointing.forget();
      solo.release();
    },
  };
}
