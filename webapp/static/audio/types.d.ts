// What the engine is made of. Types alone: nothing here runs.

import { Patch, Sound } from "../document/types.js";

/** A sound file, mono; its rate in samples a second. */
export interface Recording {
  samples: Float32Array<ArrayBuffer>;
  rate: number;
}

/** A note's samples with the level they have in a mixture. */
export interface Part {
  samples: Int16Array;
  share: number;
}

/** A sound in a mixture that comes close to another one. */
export interface NearSound {
  sound: Sound;
  share: number;
}

/** A part that plays. */
export interface Layer extends Part {
  source: AudioBufferSourceNode;
  /** Its share, ramped. */
  gain: GainNode;
  /** When it started, in the context's seconds. */
  starts: number;
  /** Whether its end is listened for. */
  awaited: boolean;
}

/** A note that sounds or is to come. Times are the context's seconds. */
export interface Voice {
  pitch: number;
  /** Text of the sound that it plays; null for a mixture, or for none that matters. */
  text: string | null;
  velocity: number;
  layers: Layer[];
  envelope: GainNode;
  /** Ramps down where the samples end. */
  end: GainNode;
  /** Ignores hold and pedal. */
  short: boolean;
  /** Ignores the envelope. */
  plain: boolean;
  starts: number;
  /** Where its tape stood then. */
  began: number;
  /** Whether its key is down. */
  held: boolean;
  /** Semitones that it sounds above its samples, without the wheel. */
  detune: number;
  tape: Tape;
  releasedAt: number | null;
  /** Whether it goes on for as long as it is held: it does not die away. */
  lasts: boolean;
  /** Whether its samples are there for longer than a note. */
  isLong: boolean;
  /** Made way for another note. */
  stolen: boolean;
}

export interface NoteOptions {
  /** 0 to 1. */
  velocity?: number;
  short?: boolean;
  plain?: boolean;
  text?: string | null;
  /** Level of this sound in its voice. */
  share?: number;
  /** When it starts, in the context's seconds, and for how long its key is down: a note to come is played to its end. */
  at?: number | null;
  held?: number;
  /** Semitones that it sounds above its samples. */
  detune?: number;
}

/** Where a layer plays: into a node, as fast as a tape. */
export interface LayerPlace {
  into: AudioNode;
  tape: Tape;
}

export interface Output {
  /** Null until the sound is switched on. */
  readonly context: AudioContext | null;
  /** What voices connect to. */
  readonly input: GainNode | null;
  /** Must be called from inside a gesture of the player; browsers keep sound off until then. */
  enable(): Promise<void>;
  isRunning(): boolean;
  /** The context's seconds. */
  now(): number;
  setGain(db: number): void;
  /** Level of what leaves right now. */
  rms(): number;
  /** Its strongest frequency; null when silent. */
  peakHz(): number | null;
  /** Writes its newest samples; false if there are none yet. */
  wave(into: Float32Array<ArrayBuffer>): boolean;
}

/** A note's own time, which a bend makes pass faster or slower. */
export interface Tape {
  /** Seconds of a note that have passed at a time of the context. */
  played(time?: number): number;
  /** Of the tape: 1 without a bend. */
  speed(): number;
  /** The bend in cents. */
  cents(): number;
  /** Bends from now on; false if nothing changes. */
  bend(semitones: number): boolean;
}

export interface Layers {
  seconds(samples: Int16Array): number;
  /** Whether a note has too little left at a place, in seconds, to be started there. */
  isOver(samples: Int16Array, offset: number): boolean;
  /** Plays `part` into a node, from `offset` seconds of it on; at once, or at a time of the context. */
  start(part: Part, place: LayerPlace, options?: { offset?: number; at?: number | null }): Layer;
  stop(layer: Layer, fade: number): void;
  /** A layer that plays `samples`, the same at first but longer, in the place of `layer`. placeAt: where it will be. */
  goOn(layer: Layer, samples: Int16Array, placeAt: (time: number) => number, place: LayerPlace): Layer;
  /**
   * Brings `layers` that play into a node to `parts`, at the place `offset` of the note: what stays glides to its share,
   * what leaves and what comes cross over. Returns the layers that sound on.
   */
  remix(layers: Layer[], parts: Part[], offset: number, place: LayerPlace): Layer[];
  /** Takes the tape's bend on. */
  bend(layer: Layer, tape: Tape): void;
}

export interface Voices {
  /** Starts a note and returns its voice, to be given back to `noteOff`. */
  noteOn(pitch: number, samples: Int16Array, options?: NoteOptions): Voice;
  noteOff(voice: Voice): void;
  /** Out of the way at once. */
  cut(voice: Voice): void;
  cutAll(): void;
  has(voice: Voice): boolean;
  /** Whether a key, hold or the pedal keeps it. */
  isHeld(voice: Voice): boolean;
  /** Seconds of its note that have been played. */
  placeOf(voice: Voice): number;
  /** It goes on in these samples, of which it plays the first ones, unless it plays as many already. */
  prolong(voice: Voice, samples: Int16Array): void;
  /**
   * A sounding voice goes on as another sound, from the same place in the note: that of `text`, or (null) a mixture. One
   * that lasts goes back to where that sound is still held.
   */
  crossTo(voice: Voice, parts: Part[], text: string | null): void;
  /** Of the note last struck with the envelope: how long ago and how long it was held, in seconds; null when it is gone. */
  newest(): { time: number; held: number } | null;
  /** Pitches that sound: those let go no longer, those to come not yet. */
  sounding(): Set<number>;
  setHold(on: boolean): void;
  setPedal(on: boolean): void;
  /** Heard at once where a note is held: it goes to the new sustain level. */
  setPatch(patch: Patch): void;
  /** Every note that sounds, and those to come, `semitones` higher. */
  setBend(semitones: number): void;
  /** One of them, besides. */
  bendVoice(voice: Voice, semitones: number): void;
  busy(): boolean;
}

export interface LiveVoice {
  /** Plays these notes at once, each from the same place, until `off`. */
  play(parts: Part[]): void;
  /** `seconds`: how long it fades. */
  off(seconds?: number): void;
  /** Takes the tape's bend on. */
  bend(): void;
  busy(): boolean;
}

export interface Engine
  extends Pick<Output, "enable" | "isRunning" | "now" | "rms" | "peakHz" | "wave">, Omit<Voices, "cutAll"> {
  live: LiveVoice["play"];
  liveOff: LiveVoice["off"];
  silence(): void;
}
