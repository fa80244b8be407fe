// Web Audio: int16 notes in, sound out. Every start, stop and change is ramped, so nothing clicks.

import { dbToGain, scheduleEnvelope, scheduleRelease, timeConstant } from "./adsr.js";

const ATTACK_SECONDS = 0.003; // hides a first sample that is not zero without softening the instrument's own attack
const RELEASE_SECONDS = 0.25; // of the live voice, and of sounds only listened to
const STEAL_SECONDS = 0.04;
const CROSS_SECONDS = 0.04;
const END_SECONDS = 0.03;
const GONE = 1.5; // of a release: then the note is 90 dB down
const VOICES = 16;
const CYCLE_SECONDS = 1.8; // a live voice starts its note anew after so long: notes decay, and a drag may last
const RISEN_SECONDS = 0.8; // into a note that rises slowly, where it is up; with a cycle it ends before its key is let go
const FADED_SECONDS = 0.4; // or, where the envelope lets it die away, so long after it has
const RENEW_SECONDS = 0.25; // what was heard before covers the new attack, which may be slow
const BEND_SECONDS = 0.005; // a wheel's steps, smoothed
export const BEND_RANGE = 2; // semitones that a wheel bends either way
const PLAIN = { attack: 0, decay: 0, sustain: 1, release: RELEASE_SECONDS };

const FULL_TONE = 0.8; // velocity of a note as the model made it, and of keys that do not tell how hard they are hit
const SHELF_PER_DB = 0.8; // so much duller (dB) is a softer note for each dB that it is quieter: as in packs' velocity layers
const DULLEST_DB = -12;
const SHELF_HARMONIC = 3; // where the shelf lies, in multiples of the fundamental ...
const SHELF_HZ = [300, 4000]; // ... and between these

// Share of full level at a velocity of 0 to 1: the square, as General MIDI recommends (40 log10 v in dB).
export const velocityGain = (velocity) => velocity * velocity;

// How much weaker (dB) the partials well above the fundamental are at a velocity: 0 from FULL_TONE on.
export const velocityShelf = (velocity) =>
  Math.max(DULLEST_DB, Math.min(0, SHELF_PER_DB * 40 * Math.log10(Math.max(velocity, 1e-3) / FULL_TONE)));

// Coefficients of that shelf for a note of the MIDI `pitch`: first order, 1 at the bottom, `db` at the top, half of it at
// three times the fundamental; by the bilinear transform, as `softer` in gansynth_core/packs/shaping.py.
export function shelfFilter(pitch, db, rate) {
  const hz = 440 * 2 ** ((pitch - 69) / 12);
  const corner = 2 * Math.PI * Math.min(Math.max(SHELF_HARMONIC * hz, SHELF_HZ[0]), SHELF_HZ[1], 0.4 * rate);
  const root = Math.sqrt(dbToGain(db));
  const twice = 2 * rate;
  return {
    feedforward: [root * twice + corner, corner - root * twice],
    feedback: [twice / root + corner, corner - twice / root],
  };
}

// Which of `voices` gives way when `most` are there and one more comes at the time `now`: of those let go the one let go first, then of
// those that only hold or the pedal keeps, then of those whose keys are down; null while there is room.
export function toSteal(voices, now, most = VOICES) {
  const there = [...voices].filter((voice) => !voice.stolen);
  if (there.length < most) return null;
  const isReleased = (voice) => voice.releasedAt !== null && voice.releasedAt <= now;
  const rank = (voice) => (isReleased(voice) ? 0 : voice.held ? 2 : 1);
  const age = (voice) => (isReleased(voice) ? voice.releasedAt : voice.starts);
  return there.reduce((first, voice) => ((rank(voice) - rank(first) || age(voice) - age(first)) < 0 ? voice : first));
}

// Whether a note is less than half as loud at first as it becomes within a second.
export function risesSlowly(samples, rate) {
  const rms = (from, to) => {
    let sum = 0;
    const end = Math.min(samples.length, Math.round(to * rate));
    for (let at = Math.round(from * rate); at < end; at++) sum += samples[at] * samples[at];
    return Math.sqrt(sum / Math.max(1, end - from * rate));
  };
  return rms(0, 0.15) < 0.5 * Math.max(rms(0.25, 0.5), rms(0.5, 1));
}

export function createEngine({ rate, onState, onVoices }) {
  let context = null;
  let output = null;
  let analyser = null;
  let hold = false;
  let pedal = false;
  let patch = PLAIN;
  const buffers = new WeakMap(); // Int16Array -> AudioBuffer, made when first played
  const voices = new Set(); // the oldest first
  // How far a note has played by now, in its own seconds, which a bend makes pass faster or slower.
  const tape = { at: 0, since: 0, bend: 0 };

  function build() {
    // At the notes' own rate no sample is interpolated here; the system's resampler is better than Web Audio's.
    context = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
    output = new GainNode(context, { gain: outputGain() });
    const guard = new DynamicsCompressorNode(context, {
      threshold: -3,
      knee: 3,
      ratio: 20,
      attack: 0.002,
      release: 0.1,
    });
    analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
    output.connect(guard).connect(analyser).connect(context.destination);
    context.addEventListener("statechange", () => onState(context.state === "running"));
  }

  const outputGain = () => 0.5 * dbToGain(patch.gain ?? 0);

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
  const speed = () => 2 ** (tape.bend / 12);
  const played = (time = context.currentTime) => tape.at + (time - tape.since) * speed();

  // Ends whatever `param` is doing at `time`, where it then stands.
  function holdAt(param, time) {
    if (param.cancelAndHoldAtTime) return param.cancelAndHoldAtTime(time);
    const level = param.value;
    param.cancelScheduledValues(time);
    if (time <= context.currentTime) param.setValueAtTime(level, time);
  }

  // Takes a gain from whatever it is now towards `value`, 98 % of the way in `time` seconds. Exponential on purpose: what
  // goes down and what comes up add to one at any moment, even where the audio thread is late; and a linear ramp would
  // start at the gain's last event, not now, wherever nothing was left for cancelAndHoldAtTime to hold.
  function glide(param, value, time, from = context.currentTime) {
    holdAt(param, from);
    param.setTargetAtTime(value, from, time / 4);
  }

  // A stretch of `samples` from `offset` seconds on, fading in over `fade`; its own gain is the layer's share.
  function startLayer(samples, offset, fade, share, into, start = context.currentTime) {
    const source = new AudioBufferSourceNode(context, { buffer: bufferOf(samples), detune: 100 * tape.bend });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, start);
    if (offset) gain.gain.setTargetAtTime(share, start, fade / 4);
    else gain.gain.linearRampToValueAtTime(share, start + fade);
    source.connect(gain).connect(into);
    source.start(start, offset);
    return { samples, source, gain, share };
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
    const now = context.currentTime;
    const longest = Math.max(...voice.layers.map((layer) => seconds(layer.samples)));
    const ends = now + (voice.began + longest - played()) / speed();
    voice.end.gain.cancelScheduledValues(0);
    voice.end.gain.setValueAtTime(1, Math.max(now, ends - END_SECONDS));
    voice.end.gain.linearRampToValueAtTime(0, Math.max(now, ends));
  }

  // Forgets a voice once the last of its layers has come to its end.
  function watchEnd(voice) {
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

  function stopAt(voice, time) {
    for (const layer of voice.layers) layer.source.stop(time);
  }

  // Out of the way, at once or at a `time` to come.
  function steal(voice, time = context.currentTime) {
    if (voice.stolen) return;
    voice.stolen = true;
    voice.releasedAt = Math.min(voice.releasedAt ?? time, time);
    glide(voice.envelope.gain, 0, STEAL_SECONDS, time);
    stopAt(voice, time + STEAL_SECONDS * 2);
  }

  function letGo(voice) {
    if (voice.releasedAt !== null) return;
    voice.releasedAt = context.currentTime;
    const { release } = voice.plain ? PLAIN : patch;
    holdAt(voice.envelope.gain, voice.releasedAt);
    scheduleRelease(voice.envelope.gain, { release }, voice.releasedAt);
    stopAt(voice, voice.releasedAt + release * GONE);
  }

  function release(voice) {
    voice.held = false;
    if (voice.short || !(hold || pedal)) letGo(voice);
  }

  function letGoOfAllKept() {
    if (!hold && !pedal) for (const voice of voices) if (!voice.held) letGo(voice);
  }

  // The live voice: one note that goes on while its sound is dragged, in layers that fade over, shaped as keys are.
  const live = { layers: [], envelope: null, began: 0, timer: null };

  function strike() {
    const { attack, decay, sustain } = patch;
    live.began = played();
    live.envelope = new GainNode(context, { gain: 0 });
    scheduleEnvelope(live.envelope.gain, patch, context.currentTime, {
      level: velocityGain(FULL_TONE),
      held: Infinity,
    });
    live.envelope.connect(output);
    const faded = sustain < 0.01 ? attack + decay + FADED_SECONDS : Infinity;
    live.timer = setTimeout(again, 1000 * Math.min(CYCLE_SECONDS, faded));
  }

  function mix(parts) {
    if (!context || context.state !== "running") return;
    if (live.timer === null) strike();
    live.layers = remix(live.layers, parts, played() - live.began, live.envelope);
    onVoices();
  }

  function letLiveGo(time) {
    const { envelope } = live;
    for (const layer of live.layers) stopLayer(layer, time);
    live.layers.at(-1)?.source.addEventListener("ended", () => envelope.disconnect());
    live.layers = [];
    live.timer = null;
  }

  // A note that an envelope lets die is struck again. Any other goes on from its beginning, or from where it is up if it
  // rises slowly: it would swell once a cycle, and nobody has asked for that.
  function again() {
    const parts = live.layers.map(({ samples, share }) => ({ samples, share }));
    if (!parts.length || patch.sustain < 0.01) {
      letLiveGo(RENEW_SECONDS);
      if (parts.length) mix(parts);
      return;
    }
    for (const layer of live.layers) stopLayer(layer, RENEW_SECONDS);
    const place = parts.some(({ samples }) => risesSlowly(samples, rate)) ? RISEN_SECONDS : 0;
    live.began = played() - place;
    live.layers = remix([], parts, place, live.envelope);
    live.timer = setTimeout(again, 1000 * CYCLE_SECONDS);
  }

  return {
    // Must be called from inside a gesture of the player; browsers keep sound off until then.
    async enable() {
      if (!context) build();
      if (context.state !== "running") await context.resume();
    },
    isRunning: () => context?.state === "running",

    // Starts a note and returns its voice, to be given back to `noteOff`. `short` voices ignore hold and pedal; `plain`
    // ones the envelope. `share` is the level of this sound in its voice. With `at` (the context's seconds, see `now`) and `held` a note to come is played to its end.
    noteOn(
      pitch,
      samples,
      { velocity = FULL_TONE, short = false, plain = false, text = null, share = 1, at = null, held = Infinity } = {},
    ) {
      const starts = at ?? context.currentTime;
      for (const voice of voices) if (voice.pitch === pitch) steal(voice, starts);
      const surplus = toSteal(voices, starts);
      if (surplus) steal(surplus, starts);
      const envelope = new GainNode(context, { gain: 0 });
      const shape = plain ? PLAIN : patch;
      scheduleEnvelope(envelope.gain, shape, starts, { level: velocityGain(velocity), held });
      const end = new GainNode(context, { gain: 1 });
      const dull = velocityShelf(velocity);
      if (dull < 0) end.connect(new IIRFilterNode(context, shelfFilter(pitch, dull, rate))).connect(envelope);
      else end.connect(envelope);
      envelope.connect(output);
      const layer = startLayer(samples, 0, ATTACK_SECONDS, share, end, starts);
      const releasedAt = held < Infinity ? starts + held : null;
      const voice = {
        pitch,
        text,
        velocity,
        layers: [layer],
        envelope,
        end,
        short,
        plain,
        starts,
        began: played(starts),
        held: true,
        releasedAt,
        stolen: false,
      };
      if (releasedAt !== null) layer.source.stop(releasedAt + shape.release * GONE);
      voices.add(voice);
      scheduleEnd(voice);
      watchEnd(voice);
      onVoices();
      return voice;
    },
    noteOff: release,
    cut: (voice) => steal(voice),
    has: (voice) => voices.has(voice),
    // A sounding voice goes on as another sound, from the same place in the note: that of `text`, or (null) a mixture.
    crossTo(voice, parts, text) {
      const offset = played() - voice.began;
      if (voice.releasedAt !== null || (text !== null && voice.text === text)) return;
      if (parts.some(({ samples }) => offset >= seconds(samples) - 0.1)) return;
      voice.layers = remix(voice.layers, parts, offset, voice.end);
      voice.text = text;
      scheduleEnd(voice);
      watchEnd(voice);
    },
    now: () => context?.currentTime ?? 0,
    // Of the note last struck with the envelope: how long ago and how long it was held, in seconds; null when it is gone.
    newest() {
      const now = this.now();
      const note = [...voices].filter((voice) => !voice.plain && !voice.stolen && voice.starts <= now).at(-1);
      return note
        ? { time: now - note.starts, held: note.releasedAt === null ? Infinity : note.releasedAt - note.starts }
        : null;
    },

    // The live voice plays these notes at once, [{samples, share}], each from the same place, until `liveOff`.
    live: mix,
    liveOff(time = RELEASE_SECONDS) {
      clearTimeout(live.timer);
      letLiveGo(time);
      if (context) onVoices();
    },
    isLive: () => live.layers.length > 0,

    setHold(on) {
      hold = on;
      letGoOfAllKept();
    },
    setPedal(on) {
      pedal = on;
      letGoOfAllKept();
    },
    // Heard at once where a note is held: the gain, and the sustain level it then goes to.
    setPatch(next) {
      const before = patch;
      patch = next;
      if (!context) return;
      if (next.gain !== before.gain) glide(output.gain, outputGain(), CROSS_SECONDS);
      if (next.sustain === before.sustain && next.decay === before.decay) return;
      for (const voice of voices) {
        if (voice.plain || voice.releasedAt !== null) continue;
        const now = context.currentTime;
        holdAt(voice.envelope.gain, now);
        const pace = timeConstant(Math.max(next.decay, 0.1));
        voice.envelope.gain.setTargetAtTime(velocityGain(voice.velocity) * next.sustain, now, pace);
      }
    },
    // Every note that sounds, and those to come, `semitones` higher.
    setBend(semitones) {
      if (!context || semitones === tape.bend) return;
      Object.assign(tape, { at: played(), since: context.currentTime, bend: semitones });
      for (const { source } of [...[...voices].flatMap((voice) => voice.layers), ...live.layers]) {
        source.detune.setTargetAtTime(100 * semitones, context.currentTime, BEND_SECONDS);
      }
      for (const voice of voices) scheduleEnd(voice);
    },
    silence() {
      pedal = false;
      this.setBend(0);
      for (const voice of voices) steal(voice);
      this.liveOff(STEAL_SECONDS);
    },
    // Pitches that sound: those let go no longer, those to come not yet.
    sounding() {
      const now = this.now();
      const heard = (voice) => voice.starts <= now + 0.01 && (voice.releasedAt ?? Infinity) > now;
      return new Set([...voices].filter(heard).map((voice) => voice.pitch));
    },

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
