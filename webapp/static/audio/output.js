// The way out: the audio context, the gain that everything passes, a limiter, and a meter of what leaves.
/** @import { Output } from "./types.js" */

import { dbToGain } from "./adsr.js";
import { glide } from "./ramps.js";

const HEADROOM = 0.5;
const GAIN_SECONDS = 0.04;
const SILENT_DB = -90;

/**
 * @param {{rate: number, onState: (isRunning: boolean) => void}} options
 * @returns {Output}
 */
export function createOutput({ rate, onState }) {
  /** @type {AudioContext | null} */
  let context = null;
  /** @type {GainNode | null} */
  let input = null;
  /** @type {AnalyserNode | null} */
  let analyser = null;
  let gain = HEADROOM;

  function build() {
    // At the notes' own rate no sample is interpolated here; the system's resampler is better than Web Audio's.
    context = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
    input = new GainNode(context, { gain });
    const limits = { threshold: -3, knee: 3, ratio: 20, attack: 0.002, release: 0.1 };
    const limiter = new DynamicsCompressorNode(context, limits);
    analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
    input.connect(limiter).connect(analyser).connect(context.destination);
    context.addEventListener("statechange", () => onState(context.state === "running"));
  }

  return {
    get context() {
      return context;
    },
    get input() {
      return input;
    },
    async enable() {
      if (!context) build();
      if (context.state !== "running") await context.resume();
    },
    isRunning: () => context?.state === "running",
    now: () => context?.currentTime ?? 0,
    setGain(db) {
      const before = gain;
      gain = HEADROOM * dbToGain(db);
      if (context && gain !== before) glide(context, input.gain, gain, GAIN_SECONDS);
    },
    rms() {
      if (!analyser) return 0;
      const wave = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(wave);
      return Math.sqrt(wave.reduce((sum, value) => sum + value * value, 0) / wave.length);
    },
    peakHz() {
      if (!analyser) return null;
      const levels = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(levels);
      let peak = 1;
      for (let bin = 1; bin < levels.length - 1; bin++) if (levels[bin] > levels[peak]) peak = bin;
      if (levels[peak] < SILENT_DB) return null;
      const [left, mid, right] = [levels[peak - 1], levels[peak], levels[peak + 1]];
      const shift = (left - right) / (2 * (left - 2 * mid + right)); // parabola through the three bins, in dB
      return ((peak + shift) * context.sampleRate) / analyser.fftSize;
    },
    wave(into) {
      if (!analyser) return false;
      analyser.getFloatTimeDomainData(into);
      return true;
    },
  };
}
