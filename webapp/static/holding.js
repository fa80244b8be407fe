// Holding: notes go on for as long as their keys are held. The server makes them longer part by part, in time.
/** @import { Desk, Holding } from "./types.js" */
/** @import { Voice } from "./audio/types.js" */
/** @import { ModelClient } from "./server/types.js" */

import { retryAfter } from "./server/net.js";

const LOOK_MS = 200;
const ASK_SECONDS = 0.8; // of a key: a hand that taps has let go by then
const AHEAD_SECONDS = 4; // of what is here, before the next part is asked for
const JOIN_SHARE = 0.64; // of a note: up to there, and while it crosses over, the longer one is the same
const MOST_NOTES = 16; // kept, of up to 2.9 MB
const AT_ONCE = 2; // requests: a browser has six connections to a server

/**
 * A note that was asked for: what is here of it, and whether that is all.
 * @typedef {{samples: Int16Array | null, isWhole: boolean, calling: AbortController | null, rests: number}} HeldNote
 */

/**
 * @param {Desk} desk
 * @param {ModelClient} client
 * @returns {Holding}
 */
export function createHolding({ model, engine, bench }, client) {
  const parts = Math.ceil(model.shared.hold.seconds / model.shared.hold.part_seconds);
  const joins = JOIN_SHARE * model.seconds;
  /** The voices that are held, and the pitches of their notes. @type {Map<Voice, number>} */
  const voices = new Map();
  /** By pitch and text, the one longest unused first. @type {Map<string, HeldNote>} */
  const notes = new Map();
  /** @type {ReturnType<typeof setInterval> | null} */
  let timer = null;

  const nameOf = (voice, pitch) => `${pitch} ${voice.text}`;
  const busy = () => [...notes.values()].filter((note) => note.calling).length;

  /** @returns {HeldNote} */
  function noteOf(name) {
    const note = notes.get(name) ?? { samples: null, isWhole: false, calling: null, rests: 0 };
    notes.delete(name);
    notes.set(name, note);
    if (notes.size > MOST_NOTES) notes.delete(notes.keys().next().value);
    return note;
  }

  async function ask(note, sound, pitch) {
    const part = note.samples ? Math.round(note.samples.length / model.rate / model.shared.hold.part_seconds) : 0;
    note.calling = new AbortController();
    try {
      const answer = await client.askModel("held", { sound, pitch, part }, { signal: note.calling.signal });
      const more = new Int16Array(await answer.arrayBuffer()); // nothing where a sound dies away by itself
      const before = note.samples ?? new Int16Array(0);
      const samples = new Int16Array(before.length + more.length);
      samples.set(before);
      samples.set(more, before.length);
      if (more.length) note.samples = samples;
      note.isWhole = !more.length || part + 1 >= parts;
    } catch (error) {
      const delay = error.name === "AbortError" ? 0 : retryAfter(error);
      note.isWhole = delay === null; // the note ends as it is
      note.rests = engine.now() + (delay ?? 0) / 1000;
    }
    note.calling = null;
    look();
  }

  function goOn(voice, pitch) {
    const name = nameOf(voice, pitch);
    const place = engine.placeOf(voice);
    if (voice.text !== bench.text || (!notes.has(name) && place < ASK_SECONDS)) return;
    const note = noteOf(name);
    const isInTime = voice.isLong || place < joins;
    if (note.samples) {
      voice.lasts = true;
      if (isInTime) engine.prolong(voice, note.samples);
    }
    const ends = note.samples ? note.samples.length / model.rate : 0;
    if (note.isWhole || note.calling || engine.now() < note.rests || busy() >= AT_ONCE) return;
    if (!isInTime || place < ends - AHEAD_SECONDS || (bench.isDragging() && voice.lasts)) return;
    ask(note, voice.text, pitch);
  }

  function look() {
    for (const [voice, pitch] of voices) {
      if (engine.isHeld(voice)) goOn(voice, pitch);
      else voices.delete(voice);
    }
    const wanted = new Set([...voices].map(([voice, pitch]) => nameOf(voice, pitch)));
    for (const [name, note] of notes) if (!wanted.has(name)) note.calling?.abort();
    if (voices.size || timer === null) return;
    clearInterval(timer);
    timer = null;
  }

  return {
    watch(voice, pitch) {
      voices.set(voice, pitch);
      timer ??= setInterval(look, LOOK_MS);
      return voice;
    },
  };
}
