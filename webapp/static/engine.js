// Web Audio: int16 notes in, sound out. Every start, stop and change is ramped, so nothing clicks.

const ATTACK_SECONDS = 0.003; // hides a first sample that is not zero without softening the instrument's own attack
const RELEASE_SECONDS = 0.25;
const STEAL_SECONDS = 0.04;
const CROSS_SECONDS = 0.04;
const END_SECONDS = 0.03;
const VOICES = 16;
const CYCLE_SECONDS = 1.8; // a live voice starts its note anew after so long: notes decay, and a drag may last
const RENEW_SECONDS = 0.25; // what was heard before covers the new attack, which may be slow

// Share of full level at a velocity of 0 to 1: the square, as General MIDI recommends (40 log10 v in dB).
export const velocityGain = (velocity) => velocity * velocity;

export function createEngine({ rate, onState, onVoices }) {
  let context = null;
  let output = null;
  let analyser = null;
  let hold = false;
  const buffers = new WeakMap(); // Int16Array -> AudioBuffer, made when first played
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

  // Takes a gain from whatever it is now towards `value`, 98 % of the way in `time` seconds. Exponential on purpose: what
  // goes down and what comes up add to one at any moment, even where the audio thread is late; and a linear ramp would
  // start at the gain's last event, not now, wherever nothing was left for cancelAndHoldAtTime to hold.
  function glide(param, value, time) {
    const now = context.currentTime;
    if (param.cancelAndHoldAtTime) param.cancelAndHoldAtTime(now);
    else {
      const level = param.value;
      param.cancelScheduledValues(now);
      param.setValueAtTime(level, now);
    }
    param.setTargetAtTime(value, now, time / 4);
  }

  // A stretch of `samples` from `offset` seconds on, fading in over `fade`; its own gain is the layer's share.
  function startLayer(samples, offset, fade, share, into) {
    const source = new AudioBufferSourceNode(context, { buffer: bufferOf(samples) });
    const gain = new GainNode(context, { gain: 0 });
    const start = context.currentTime;
    gain.gain.setValueAtTime(0, start);
    if (offset) gain.gain.setTargetAtTime(share, start, fade / 4);
    else gain.gain.linearRampToValueAtTime(share, start + fade);
    source.connect(gain).connect(into);
    source.start(start, offset);
    return { samples, source, gain, share, ends: start + seconds(samples) - offset };
  }

  function stopLayer(layer, fade) {
    glide(layer.gain.gain, 0, fade);
    layer.source.stop(context.currentTime + fade * 2);
    layer.source.addEventListener("ended", () => layer.gain.disconnect());
  }

  // Brings `layers` that play into a node to `parts`, [{samples, share}], at the place `offset` of the note: what stays
  // glides to its share, what leaves and what comes cross over. Returns the layers that sound on.
  function remix(layers, parts, offset, into) {
    const next = [];
    for (const layer of layers) {
      const part = parts.find(({ samples }) => samples === layer.samples);
      if (!part) {
        stopLayer(layer, CROSS_SECONDS);
        continue;
      }
      if (part.share !== layer.share) glide(layer.gain.gain, part.share, CROSS_SECONDS);
      layer.share = part.share;
      next.push(layer);
    }
    for (const { samples, share } of parts) {
      if (next.some((layer) => layer.samples === samples) || offset >= seconds(samples) - 0.1) continue;
      next.push(startLayer(samples, offset, offset ? CROSS_SECONDS : ATTACK_SECONDS, share, into));
    }
    return next;
  }

  // The voice's own end, so that the last samples of a note never stop in full swing.
  function scheduleEnd(voice) {
    const ends = Math.max(...voice.layers.map((layer) => layer.ends));
    voice.end.gain.cancelScheduledValues(0);
    voice.end.gain.setValueAtTime(1, Math.max(context.currentTime, ends - END_SECONDS));
    voice.end.gain.linearRampToValueAtTime(0, ends);
    for (const layer of voice.layers) {
      if (layer.awaited) continue;
      layer.awaited = true;
      layer.source.addEventListener("ended", () => {
        layer.gain.disconnect();
        if (!voice.layers.includes(layer)) return;
        voice.layers = voice.layers.filter((other) => other !== layer);
        if (voice.layers.length) return;
        voice.envelope.disconnect();
        voices.delete(voice);
        onVoices();
      });
    }
  }

  function fade(voice, time) {
    if (voice.fading && time >= RELEASE_SECONDS) return;
    voice.fading = true;
    glide(voice.envelope.gain, 0, time);
    for (const layer of voice.layers) layer.source.stop(context.currentTime + time * 2);
  }

  function release(voice) {
    voice.held = false;
    if (!hold || voice.short) fade(voice, RELEASE_SECONDS);
  }

  // The live voice: one note that goes on while its sound is dragged, in layers that fade over.
  const live = { layers: [], began: 0, timer: null };

  function mix(parts) {
    if (!context || context.state !== "running") return;
    if (live.timer === null) {
      live.began = context.currentTime;
      live.timer = setTimeout(again, CYCLE_SECONDS * 1000);
    }
    live.layers = remix(live.layers, parts, context.currentTime - live.began, output);
    onVoices();
  }

  function again() {
    const parts = live.layers.map(({ samples, share }) => ({ samples, share }));
    for (const layer of live.layers) stopLayer(layer, RENEW_SECONDS);
    live.layers = [];
    live.timer = null;
    if (parts.length) mix(parts);
  }

  return {
    // Must be called from inside a gesture of the player; browsers keep sound off until then.
    async enable() {
      if (!context) build();
      if (context.state !== "running") await context.resume();
    },
    isRunning: () => context?.state === "running",

    // Starts a note and returns its voice, to be given back to `noteOff`. `short` voices ignore hold.
    noteOn(pitch, samples, { velocity = 0.8, short = false, text = null } = {}) {
      for (const voice of voices) if (voice.pitch === pitch) fade(voice, STEAL_SECONDS);
      if (voices.size >= VOICES) fade(voices.values().next().value, STEAL_SECONDS);
      const envelope = new GainNode(context, { gain: velocityGain(velocity) });
      const end = new GainNode(context, { gain: 1 });
      end.connect(envelope).connect(output);
      const layer = startLayer(samples, 0, ATTACK_SECONDS, 1, end);
      const voice = { pitch, text, layers: [layer], envelope, end, short, began: context.currentTime, held: true, fading: false };
      voices.add(voice);
      scheduleEnd(voice);
      onVoices();
      return voice;
    },
    noteOff: release,
    cut: (voice) => fade(voice, STEAL_SECONDS),
    // A sounding voice goes on as another sound, from the same place in the note: that of `text`, or (null) a mixture.
    crossTo(voice, parts, text) {
      const offset = context.currentTime - voice.began;
      if (voice.fading || (text !== null && voice.text === text)) return;
      if (parts.some(({ samples }) => offset >= seconds(samples) - 0.1)) return;
      voice.layers = remix(voice.layers, parts, offset, voice.end);
      voice.text = text;
      scheduleEnd(voice);
    },

    // The live voice plays these notes at once, [{samples, share}], each from the same place, until `liveOff`.
    live: mix,
    liveOff(time = RELEASE_SECONDS) {
      clearTimeout(live.timer);
      live.timer = null;
      for (const layer of live.layers) stopLayer(layer, time);
      live.layers = [];
      if (context) onVoices();
    },
    isLive: () => live.layers.length > 0,

    setHold(on) {
      hold = on;
      if (!on) for (const voice of voices) if (!voice.held) fade(voice, RELEASE_SECONDS);
    },
    silence() {
      for (const voice of voices) fade(voice, STEAL_SECONDS);
      this.liveOff(STEAL_SECONDS);
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
    busy: () => voices.size > 0 || live.layers.length > 0,
  };
}
