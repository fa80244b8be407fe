// From a recording to a sound that plays: made, put into A, brought nearer, and found again with its recording.
/** @import { Item } from "../../document/types.js" */

import { asNote, cutTo, likelyPart } from "../../audio/recording.js";
import { fromBase64, toBase64 } from "../../document/bytes.js";
import { clamp } from "../../document/numbers.js";
import { SLOTS } from "../../document/project.js";
import { soundText } from "../../document/sound.js";
import { reduce } from "../../document/store.js";
import { toast } from "../../parts/dom.js";
import { rememberOriginal } from "../../parts/originals.js";

const MORE_STEPS = 100; // of "Closer"
const LEAST_GAIN = 0.05; // dB that are heard at all

/**
 * Works on what own.js keeps. changed() when there is something to draw, complain(sentence or null).
 * @param {{studio: import("../../types.js").Studio, kept: any, encoding: any, changed: () => void,
 *     complain: (sentence: string | null) => void}} options
 */
export function createMaking({ studio, kept, encoding, changed, complain }) {
  const { model } = studio;
  const keyOf = (pitch) => clamp(Math.round(pitch), model.low, model.high);

  function open({ name, recording }) {
    Object.assign(kept, { name, recording, part: likelyPart(recording, model.seconds), pitch: null, made: null });
    make();
  }

  function make() {
    const { name, part, pitch: asked, recording } = kept;
    const cut = cutTo(recording, part);
    encoding.start(cut, { name, pitch: asked }, (about) => arrived(about, { cut, part, asked, name }));
  }

  // What the encoder made of a part of the recording.
  async function arrived({ sound, pitch, pitched, distance, encoder, instruments }, { cut, part, asked, name }) {
    const { recording } = kept;
    const original = await asNote(cut, model.rate);
    if (kept.recording !== recording) return; // another one was opened meanwhile
    const found = { sound, name, pitch, key: keyOf(pitch), pitched, distance, instruments, part, asked, original };
    const isFirst = !kept.made;
    kept.made = { ...found, guess: encoder, ours: null, note: null };
    remember(kept.made);
    put();
    if (isFirst) toast(`${name} is in A. Undo brings back what was there.`);
    fetchOurs();
  }

  function remember({ sound, original, pitch, pitched, distance }) {
    const samples = toBase64(new Uint8Array(original.buffer));
    rememberOriginal(sound, { rate: model.rate, samples, pitch, pitched, distance });
  }

  async function fetchOurs() {
    const mine = kept.made;
    changed();
    try {
      mine.ours = await studio.noteOf(mine.sound, mine.key);
    } catch (error) {
      complain(error.message);
    }
    changed();
  }

  // The sound goes into A, and what one plays on to its own key, as one step.
  function put() {
    const { sound, name, key } = kept.made;
    /** @type {import("../../document/types.js").Action[]} */
    const actions = [
      { type: "put", slot: "a", sound, name, stay: false },
      { type: "note", pitch: key },
    ];
    studio.load(actions.reduce((project, action) => reduce(project, action, model), studio.project));
  }

  function closer() {
    const before = kept.made;
    const wish = { name: before.name, pitch: before.pitch, start: before.sound, steps: MORE_STEPS };
    encoding.start(cutTo(kept.recording, before.part), wish, ({ sound, distance }) => {
      const gain = before.distance - distance;
      if (gain < LEAST_GAIN) {
        kept.made = { ...before, note: "as near as the voice comes" };
        return;
      }
      kept.made = { ...before, sound, distance, ours: null, note: `${gain.toFixed(1)} dB nearer than before` };
      remember(kept.made);
      replace(before.sound);
      fetchOurs();
    });
  }

  // What was nearer takes the place of what it was made from; where that is no longer, it goes into A.
  function replace(former) {
    const { sound, name } = kept.made;
    const slot = SLOTS.find((one) => soundText(studio.project.slots[one].sound) === soundText(former));
    if (slot) studio.dispatch({ type: "put", slot, sound, name, stay: true });
    else put();
  }

  /**
   * A favourite that was kept with its recording.
   * @param {Item} item
   */
  function reopen({ sound, name, original }) {
    const { rate, samples, pitch, pitched, distance } = original;
    const { buffer } = fromBase64(samples);
    const wave = new Int16Array(buffer);
    const recording = { samples: Float32Array.from(wave, (value) => value / 32768), rate };
    const part = { from: 0, to: wave.length / rate };
    encoding.cancel();
    complain(null);
    rememberOriginal(sound, original);
    const known = { sound, name, pitch, key: keyOf(pitch), pitched, distance, part, original: wave };
    const made = { ...known, asked: null, instruments: [], guess: null, ours: null, note: null };
    Object.assign(kept, { name, recording, part, pitch: null, made });
    fetchOurs();
  }

  return { open, make, put, closer, reopen, fetchOurs };
}
