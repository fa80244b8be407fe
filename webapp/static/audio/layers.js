// Layers: notes' samples that play into one voice, each with its share. Every start, stop and change is ramped.
/** @import { Layer, Layers, Output, Part } from "./types.js" */

import { glide } from "./ramps.js";

const ATTACK_SECONDS = 0.003; // hides a first sample that is not zero without softening the instrument's own attack
const CROSS_SECONDS = 0.04;
const GO_ON_SECONDS = 0.05; // until a longer note takes over
const BEND_SECONDS = 0.005; // a wheel's steps, smoothed
const TOO_LATE_SECONDS = 0.1; // before a note's end it is not worth starting

/**
 * @param {{output: Output, rate: number}} options
 * @returns {Layers}
 */
export function createLayers({ output, rate }) {
  /** @type {WeakMap<Int16Array, AudioBuffer>} made when first played */
  const buffers = new WeakMap();

  function bufferOf(samples) {
    if (!buffers.has(samples)) {
      const buffer = new AudioBuffer({ length: samples.length, sampleRate: rate });
      const channel = buffer.getChannelData(0);
      for (let i = 0; i < samples.length; i++) channel[i] = samples[i] / 32768;
      buffers.set(samples, buffer);
    }
    return buffers.get(samples);
  }

  const seconds = (samples) => samples.length / rate;
  const isOver = (samples, offset) => offset >= seconds(samples) - TOO_LATE_SECONDS;

  /** @type {Layers["start"]} */
  function start({ samples, share }, { into, tape }, { offset = 0, at = null } = {}) {
    const { context } = output;
    const source = new AudioBufferSourceNode(context, { buffer: bufferOf(samples), detune: tape.cents() });
    const gain = new GainNode(context, { gain: 0 });
    source.connect(gain).connect(into);
    const starts = at ?? output.now(); // read last: what was to start before now starts late, who knows how much
    gain.gain.setValueAtTime(0, starts);
    if (offset) gain.gain.setTargetAtTime(share, starts, CROSS_SECONDS / 4);
    else gain.gain.linearRampToValueAtTime(share, starts + ATTACK_SECONDS);
    source.start(starts, offset);
    return { samples, source, gain, share, starts, awaited: false };
  }

  /** @type {Layers["stop"]} */
  function stop(layer, fade) {
    glide(output.context, layer.gain.gain, 0, fade);
    layer.source.stop(output.now() + fade * 2);
    layer.source.addEventListener("ended", () => layer.gain.disconnect());
  }

  // Both have the same samples here, so they must be at the same one: the new layer starts when there is still time.
  /** @type {Layers["goOn"]} */
  function goOn(layer, samples, placeAt, place) {
    const at = output.now() + GO_ON_SECONDS;
    const next = start({ samples, share: layer.share }, place, { offset: placeAt(at), at });
    glide(output.context, layer.gain.gain, 0, CROSS_SECONDS, at);
    layer.source.stop(at + CROSS_SECONDS * 2);
    layer.source.addEventListener("ended", () => layer.gain.disconnect());
    return next;
  }

  /** @type {Layers["remix"]} */
  function remix(layers, parts, offset, place) {
    /** @type {Layer[]} */
    const next = [];
    for (const layer of layers) {
      const part = parts.find(({ samples }) => samples === layer.samples);
      if (!part) {
        stop(layer, CROSS_SECONDS);
        continue;
      }
      if (part.share !== layer.share) glide(output.context, layer.gain.gain, part.share, CROSS_SECONDS);
      layer.share = part.share;
      next.push(layer);
    }
    for (const part of parts) {
      if (next.some((layer) => layer.samples === part.samples) || isOver(part.samples, offset)) continue;
      next.push(start(part, place, { offset }));
    }
    return next;
  }

  return {
    seconds,
    isOver,
    start,
    stop,
    goOn,
    remix,
    bend({ source }, tape) {
      source.detune.setTargetAtTime(tape.cents(), output.now(), BEND_SECONDS);
    },
  };
}
