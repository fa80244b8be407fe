// Web Audio: int16 notes in, sound out. Every start, stop and change is ramped, so nothing clicks.

const ATTACK_SECONDS = 0.003; // hides a first sample that is not zero without softening the instrument's own attack
const RELEASE_SECONDS = 0.25;
const STEAL_SECONDS = 0.04;
const END_SECONDS = 0.03;
const VOICES = 24;

export function createEngine({ rate, onState, onVoices }) {
  let context = null;
  let output = null;
  let analyser = null;
  let ring = false;
  let data = new Map(); // pitch -> Int16Array
  let buffers = new Map(); // pitch -> AudioBuffer, made when first played
  const voices = new Set();

  function build() {
    // At the notes' own rate no sample is interpolated here; the system's resampler is better than Web Audio's.
    context = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
    output = new GainNode(context, { gain: 0.5 });
    const guard = new DynamicsCompressorNode(context, { threshold: -3, knee: 3, ratio: 20, attack: 0.002, release: 0.1 });
    analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
    output.connect(guard).connect(analyser).connect(context.destination);
    context.addEventListener("statechange", () => onState(context.state === "running"));
  }

  function bufferOf(pitch) {
    if (!buffers.has(pitch)) {
      const samples = data.get(pitch);
      const buffer = new AudioBuffer({ length: samples.length, sampleRate: rate });
      const channel = buffer.getChannelData(0);
      for (let i = 0; i < samples.length; i++) channel[i] = samples[i] / 32768;
      buffers.set(pitch, buffer);
    }
    return buffers.get(pitch);
  }

  function fade(voice, seconds) {
    if (voice.fading && seconds >= RELEASE_SECONDS) return;
    voice.fading = true;
    const gain = voice.gain.gain;
    const now = context.currentTime;
    if (gain.cancelAndHoldAtTime) gain.cancelAndHoldAtTime(now);
    else {
      const value = gain.value;
      gain.cancelScheduledValues(now);
      gain.setValueAtTime(value, now);
    }
    gain.setTargetAtTime(0, now, seconds / 5); // 43 dB down after `seconds`
    voice.source.stop(now + seconds * 1.6);
  }

  function release(voice) {
    voice.held = false;
    if (!ring || voice.short) fade(voice, RELEASE_SECONDS);
  }

  return {
    // Must be called from inside a gesture of the player; browsers keep sound off until then.
    async enable() {
      if (!context) build();
      if (context.state !== "running") await context.resume();
    },
    isRunning: () => context?.state === "running",
    has: (pitch) => data.has(pitch),

    // A new sound: notes that are sounding now end in their own time.
    clear() {
      data = new Map();
      buffers = new Map();
    },
    load(block, samples) {
      const count = block.high - block.low + 1;
      const length = samples.length / count;
      for (let i = 0; i < count; i++) data.set(block.low + i, samples.subarray(i * length, (i + 1) * length));
    },

    // Starts a note and returns its voice, to be given back to `noteOff`. `short` voices ignore "let ring".
    noteOn(pitch, { short = false } = {}) {
      const buffer = bufferOf(pitch);
      for (const voice of voices) if (voice.pitch === pitch) fade(voice, STEAL_SECONDS);
      if (voices.size >= VOICES) fade(voices.values().next().value, STEAL_SECONDS);
      const source = new AudioBufferSourceNode(context, { buffer });
      const gain = new GainNode(context, { gain: 0 });
      const start = context.currentTime;
      gain.gain.setValueAtTime(0, start);
      gain.gain.linearRampToValueAtTime(1, start + ATTACK_SECONDS);
      gain.gain.setValueAtTime(1, start + buffer.duration - END_SECONDS);
      gain.gain.linearRampToValueAtTime(0, start + buffer.duration);
      source.connect(gain).connect(output);
      const voice = { pitch, source, gain, short, held: true, fading: false };
      source.addEventListener("ended", () => {
        gain.disconnect();
        voices.delete(voice);
        onVoices();
      });
      source.start(start);
      voices.add(voice);
      onVoices();
      return voice;
    },
    noteOff: release,
    cut: (voice) => fade(voice, STEAL_SECONDS),
    setRing(on) {
      ring = on;
      if (!on) for (const voice of voices) if (!voice.held) fade(voice, RELEASE_SECONDS);
    },
    silence() {
      for (const voice of voices) fade(voice, STEAL_SECONDS);
    },
    sounding: () => new Set([...voices].filter((voice) => !voice.fading).map((voice) => voice.pitch)),

    // Level of what leaves the engine right now, and its strongest frequency in Hz (null when silent).
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
      if (levels[peak] < -90) return null;
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
