// Recordings: reading one, finding where it begins, drawing and cutting it.
/** @import { Recording } from "./types.js" */

const READ_RATE = 48000;
const BLOCK_SECONDS = 0.002;
const ONSET_DB = -40; // below the loudest block, as gansynth_core/own.py has it
const BEFORE_ONSET_SECONDS = 0.02; // shown and sent; the server cuts finer
const CANCELLED = 0.01; // of the loudest channel's energy: what is left of channels that cancel each other
const PEAK = 0.9;
export const SILENT_PEAK = 1e-4;

/**
 * A sound file's samples, mono, as the browser reads it. Throws where it cannot.
 * @param {ArrayBuffer} bytes  which are then gone
 * @returns {Promise<Recording>}
 */
export async function readRecording(bytes) {
  const buffer = await new OfflineAudioContext(1, 1, READ_RATE).decodeAudioData(bytes);
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, at) => buffer.getChannelData(at));
  return { samples: oneChannel(channels), rate: buffer.sampleRate };
}

/**
 * The mean of channels, or the loudest where they cancel each other.
 * @param {Float32Array<ArrayBuffer>[]} channels
 */
export function oneChannel(channels) {
  if (channels.length === 1) return channels[0];
  const mean = new Float32Array(channels[0].length);
  for (const channel of channels) for (let at = 0; at < mean.length; at++) mean[at] += channel[at] / channels.length;
  const energies = channels.map(energy);
  const most = Math.max(...energies);
  return energy(mean) > CANCELLED * most ? mean : channels[energies.indexOf(most)];
}

const energy = (samples) => samples.reduce((sum, value) => sum + value * value, 0);

/**
 * The largest size of a sample; NaN where one is no number.
 * @param {Float32Array} samples
 */
export function peakOf(samples) {
  let peak = 0;
  for (const value of samples) {
    if (!Number.isFinite(value)) return NaN;
    if (Math.abs(value) > peak) peak = Math.abs(value);
  }
  return peak;
}

/**
 * The part of a recording that one note is likely to be: from where it begins, for at most `seconds`. Both in seconds.
 * @param {Recording} recording
 * @param {number} seconds
 */
export function likelyPart({ samples, rate }, seconds) {
  const block = Math.max(1, Math.round(BLOCK_SECONDS * rate));
  const levels = [];
  for (let at = 0; at + block <= samples.length; at += block) levels.push(energy(samples.subarray(at, at + block)));
  const most = levels.reduce((one, other) => Math.max(one, other), 0);
  const first = Math.max(
    0,
    levels.findIndex((level) => level > most * 10 ** (ONSET_DB / 10)),
  );
  const from = Math.max(0, (first * block) / rate - BEFORE_ONSET_SECONDS);
  return { from, to: Math.min(samples.length / rate, from + seconds) };
}

/**
 * @param {Recording} recording
 * @param {{from: number, to: number}} part  seconds
 * @returns {Recording}
 */
export const cutTo = ({ samples, rate }, { from, to }) => ({
  samples: samples.slice(Math.round(from * rate), Math.round(to * rate)),
  rate,
});

/**
 * A recording as notes are played: at their rate, at one level, 16 bits.
 * @param {Recording} recording
 * @param {number} rate
 * @returns {Promise<Int16Array>}
 */
export async function asNote({ samples, rate: from }, rate) {
  const context = new OfflineAudioContext(1, Math.max(1, Math.ceil((samples.length * rate) / from)), rate);
  const buffer = new AudioBuffer({ length: Math.max(1, samples.length), sampleRate: from });
  buffer.copyToChannel(samples, 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  source.start();
  const heard = (await context.startRendering()).getChannelData(0);
  const scale = (32767 * PEAK) / Math.max(SILENT_PEAK, peakOf(heard));
  return Int16Array.from(heard, (value) => Math.round(value * scale));
}

/**
 * The highest size of a sample in each of `columns` parts of equal length of [from, to) (samples, with fractions); beyond
 * the ends it is silent.
 * @param {ArrayLike<number>} samples
 */
export function outline(samples, columns, from = 0, to = samples.length) {
  const wide = (to - from) / columns;
  return Float32Array.from({ length: columns }, (_, column) => {
    const first = Math.max(0, Math.floor(from + column * wide));
    const last = Math.min(samples.length, Math.max(first + 1, Math.floor(from + (column + 1) * wide)));
    let peak = 0;
    for (let at = first; at < last; at++) peak = Math.max(peak, Math.abs(samples[at]));
    return peak;
  });
}
