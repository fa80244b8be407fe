// The live voice: one note that goes on while its sound is dragged, in layers that fade over, shaped as keys are.
/** @import { Layer, Layers, LiveVoice, Output, Tape } from "./types.js" */
/** @import { Patch } from "../document/types.js" */

import { scheduleEnvelope } from "./adsr.js";
import { FULL_TONE, velocityGain } from "./velocity.js";

const RELEASE_SECONDS = 0.25;
const CYCLE_SECONDS = 1.8; // it starts its note anew after so long: notes decay, and a drag may last
const RISEN_SECONDS = 0.8; // into a note that rises slowly, where it is up; with a cycle it ends before its key is let go
const FADED_SECONDS = 0.4; // or, where the envelope lets it die away, so long after it has
const RENEW_SECONDS = 0.25; // what was heard before covers the new attack, which may be slow
const DYING_SUSTAIN = 0.01; // below it the envelope lets a note die away

/**
 * Whether a note is less than half as loud at first as it becomes within a second.
 * @param {Int16Array} samples
 * @param {number} rate
 */
export function risesSlowly(samples, rate) {
  const rms = (from, to) => {
    let sum = 0;
    const end = Math.min(samples.length, Math.round(to * rate));
    for (let at = Math.round(from * rate); at < end; at++) sum += samples[at] * samples[at];
    return Math.sqrt(sum / Math.max(1, end - from * rate));
  };
  return rms(0, 0.15) < 0.5 * Math.max(rms(0.25, 0.5), rms(0.5, 1));
}

/**
 * @param {{output: Output, tape: Tape, layers: Layers, rate: number, patch: () => Patch, onVoices: () => void}} options
 * @returns {LiveVoice}
 */
export function createLiveVoice({ output, tape, layers, rate, patch, onVoices }) {
  const live = {
    /** @type {Layer[]} */
    layers: [],
    /** @type {GainNode | null} */
    envelope: null,
    began: 0, // on the tape
    /** Until its note is struck again; null while it is silent. @type {ReturnType<typeof setTimeout> | null} */
    timer: null,
  };
  const dies = () => patch().sustain < DYING_SUSTAIN;

  function strike() {
    const { attack, decay } = patch();
    live.began = tape.played();
    live.envelope = new GainNode(output.context, { gain: 0 });
    scheduleEnvelope(live.envelope.gain, patch(), output.now(), { level: velocityGain(FULL_TONE) });
    live.envelope.connect(output.input);
    const faded = dies() ? attack + decay + FADED_SECONDS : Infinity;
    live.timer = setTimeout(again, 1000 * Math.min(CYCLE_SECONDS, faded));
  }

  /** @type {LiveVoice["play"]} */
  function play(parts) {
    if (!output.isRunning()) return;
    if (live.timer === null) strike();
    live.layers = layers.remix(live.layers, parts, tape.played() - live.began, { into: live.envelope, tape });
    onVoices();
  }

  function letGo(seconds) {
    const { envelope } = live;
    for (const layer of live.layers) layers.stop(layer, seconds);
    live.layers.at(-1)?.source.addEventListener("ended", () => envelope.disconnect());
    live.layers = [];
    live.timer = null;
  }

  // A note that an envelope lets die is struck again. Any other goes on from its beginning, or from where it is up if it
  // rises slowly: it would swell once a cycle, and nobody has asked for that.
  function again() {
    const parts = live.layers.map(({ samples, share }) => ({ samples, share }));
    if (!parts.length || dies()) {
      letGo(RENEW_SECONDS);
      if (parts.length) play(parts);
      return;
    }
    for (const layer of live.layers) layers.stop(layer, RENEW_SECONDS);
    const place = parts.some(({ samples }) => risesSlowly(samples, rate)) ? RISEN_SECONDS : 0;
    live.began = tape.played() - place;
    live.layers = layers.remix([], parts, place, { into: live.envelope, tape });
    live.timer = setTimeout(again, 1000 * CYCLE_SECONDS);
  }

  return {
    play,
    off(seconds = RELEASE_SECONDS) {
      clearTimeout(live.timer);
      letGo(seconds);
      if (output.context) onVoices();
    },
    bend: () => live.layers.forEach((layer) => layers.bend(layer, tape)),
    busy: () => live.layers.length > 0,
  };
}
