// What documents are made of, and what a model tells about itself. Types alone: nothing here runs.

/** What a model tells about itself when the page opens (webapp/sound_document.py writes it). */
export interface Model {
  id: string;
  title: string;
  /** Of its weights and of how notes are rendered: part of every note's address. */
  digest: string;
  /** Samples a second of its notes. */
  rate: number;
  /** Length of its notes. */
  seconds: number;
  /** MIDI pitches of the lowest and the highest key. */
  low: number;
  high: number;
  /** What the keys are called, from the lowest on. */
  keys: string[];
  /** The sliders. kind: "named" after its descriptor, a "component", or a "former" one that only saved sounds still have. */
  directions: { name: string; title: string; kind: string; descriptor: string | null }[];
  /** Names of the sliders that follow the sound, whose reach the server tells. */
  steered: string[];
  descriptors: { name: string; title: string; unit: string; log: boolean; about: string }[];
  /** How far a slider goes either way, in standard deviations. */
  sliderLimit: number;
  latentSize: number;
  /** How far a single number of z goes either way. */
  rawLimit: number;
  shared: Shared;
  families: Family[];
}

/** Constants of gansynth_core/shared.json. */
export interface Shared {
  /** Of a note: then its key is let go, and what follows is its release. */
  held_share: number;
  /** Seconds for which a held key sounds, and of the parts in which its note comes. */
  hold: { seconds: number; part_seconds: number };
  patch: Record<keyof Patch, { default: number; low: number; high: number }>;
  /** Hardware samplers by name: what they are called, and the samples that they load. */
  devices: Record<string, { title: string; subtype: PackOptions["subtype"]; sample_rate: number }>;
  limits: Record<string, number>;
}

export interface Family {
  title: string;
  /** Degrees on the colour wheel. */
  hue: number;
  instruments: Instrument[];
}

export interface Instrument {
  name: string;
  title: string;
}

/** Shares of instruments by name, each from 0 to 1. */
export type Weights = Record<string, number>;

/** What lies on top of a sound: amounts along directions by name, and numbers of z by index. */
export interface Bends {
  sliders?: Record<string, number>;
  raw?: Record<string, number>;
}

/** What decides how a note sounds. One of {instruments, seed}, {z, instruments}, {morph, at} and {blend}; see sound.js. */
export interface Sound extends Bends {
  instruments?: Weights;
  seed?: number;
  /** float32 numbers in base64url. */
  z?: string;
  /** What an own sound has and the model lacks, base64url; with `z` alone. */
  imprint?: string;
  morph?: [Sound, Sound];
  /** Where a morph stands between its ends, 0 to 1. */
  at?: number;
  blend?: [Sound, number][];
}

/** Attack, decay and release in seconds, sustain as a share of full level, gain in dB. */
export interface Patch {
  attack: number;
  decay: number;
  sustain: number;
  release: number;
  gain: number;
}

export type SlotName = "a" | "b" | "c" | "d";

export interface Slot {
  sound: Sound;
  /** Null where the sound's own title will do. */
  name: string | null;
}

/** Where the handle is: at `t` on the line from A to B, or at `x`, `y` on the pad with A B above C D. All from 0 to 1. */
export interface Handle {
  mode: "line" | "pad";
  t: number;
  x: number;
  y: number;
}

/** A point of a path over the pad: share of the time, x, y. */
export type PathPoint = [number, number, number];

/** A kept sound: a favourite, one in the pack basket, or one that was heard. */
export interface Item {
  id: string;
  name: string;
  tags: string[];
  sound: Sound;
  /** The pitch that it was kept with. */
  note: number;
  patch?: Patch;
  /** Of an own sound. */
  original?: Original;
}

/** The recording that an own sound was made of. */
export interface Original {
  /** Samples a second. */
  rate: number;
  /** 16 bits, mono, little-endian, in base64. */
  samples: string;
  /** What it was heard as, MIDI with fractions. */
  pitch: number;
  /** Whether that is a pitch at all. */
  pitched: boolean;
  /** How far the sound is from it, in dB. */
  distance: number;
}

export type ListName = "favourites" | "basket" | "heard";

/** The lists of the library. */
export type Library = Record<ListName, Item[]>;

/** An item where it is kept: of which model, in which list, and its place there among rising numbers. */
export interface KeptRecord {
  model: string;
  list: ListName;
  place: number;
  item: Item;
}

/** Records by their key; see library.js. */
export type Shelf = Map<string, KeptRecord>;

/** Records as they were and as they are; null where there is none. */
export type KeptChange = { key: string; before: KeptRecord | null; after: KeptRecord | null }[];

export interface PhraseSettings {
  name: string;
  /** Beats per minute. */
  tempo: number;
  loop: boolean;
}

/** A short phrase that shows a sound in context. */
export interface Phrase {
  name: string;
  title: string;
  /** Where it begins again. */
  beats: number;
  /** In order. */
  notes: PhraseNote[];
}

/** Beat, length in beats, semitones above the root, velocity from 0 to 1. */
export type PhraseNote = [number, number, number, number];

/** A sound on the path along a song, at a share of its length (0 to 1). */
export interface Stop extends Slot {
  id: number;
  at: number;
}

/** What a sample pack shall be like; the choices and their words are in packoptions.js. */
export interface PackOptions {
  name: string;
  keys: "one" | "range" | "all";
  /** The pitch of one-shots. */
  key: number;
  /** The range of an instrument, and how many keys share a sample. */
  low: number;
  high: number;
  every: number;
  /** Velocity layers and round robins. */
  layers: number;
  takes: number;
  subtype: "PCM_16" | "PCM_24" | "FLOAT";
  rate: number;
  level: "sound" | "note";
  measure: "peak" | "loudness";
  /** What "loudness" aims at. */
  lufs: number;
  author: string;
  /** "" for the public domain (CC0). */
  copyright: string;
  comment: string;
  naming: "sampler" | "marketplace";
  rejects: "drop" | "reroll" | "keep";
  /** "" for any sampler. */
  device: string;
  loops: boolean;
  stereo: boolean;
  formats: string[];
  wavetable: boolean;
}

/** All that is on the bench. */
export interface Project {
  format: number;
  model: string;
  slots: Record<SlotName, Slot>;
  morph: Handle;
  /** What bends the sound while the handle is between slots. */
  mix: Bends;
  /** Drawn over the pad; rising in time from 0 to 1. */
  path: PathPoint[];
  /** How long one goes along it. */
  pathSeconds: number;
  /** Directions that randomise leaves alone. */
  locks: string[];
  patch: Patch;
  phrase: PhraseSettings;
  /** The pitch last played: pictures, auditions and downloads are of it. */
  note: number;
  /** The lowest pitch of the computer keys and of the narrow piano. */
  octave: number;
  /** Length of a download. */
  seconds: number;
  /** Notes sound on after their key is released. */
  hold: boolean;
  /** A change of sound plays the last note. */
  audition: boolean;
  /** Null for keys that sound as they are named. */
  tuning: Tuning | null;
}

/** Which pitch each of 128 keys has, MIDI with fractions; null for none. */
export interface Tuning {
  name: string;
  pitches: (number | null)[];
}

/** A change of the project; see store.js. */
export type Action =
  | { type: "put"; slot: SlotName; sound: Sound; name?: string | null; stay?: boolean }
  | { type: "pick"; instrument: string; slot?: SlotName; stay?: boolean }
  | { type: "seed"; seed: number; slot?: SlotName; stay?: boolean }
  | { type: "slide"; sliders: Record<string, number> }
  | { type: "raw"; values: Record<string, number | null> }
  | { type: "reset" }
  | { type: "lock"; name: string; on: boolean }
  | ({ type: "handle" } & Partial<Handle>)
  | { type: "swap" }
  | { type: "tuning"; tuning: Tuning | null }
  | { type: "span"; a: Sound; b: Sound; t: number }
  | { type: "path"; path?: PathPoint[]; seconds?: number }
  | { type: "patch"; patch: Partial<Patch> }
  | ({ type: "phrase" } & Partial<PhraseSettings>)
  | { type: "note"; pitch: number }
  | { type: "octave"; octave: number }
  | { type: "seconds"; seconds: number }
  | { type: "hold"; on: boolean }
  | { type: "audition"; on: boolean };

/** A step on the bench or, with `kept`, of the library: the project on its other side. */
export interface Step {
  project: Project;
  kept: KeptChange | null;
}

/** A project with what undo and redo go to. Steps of one gesture are undone as one. */
export interface History {
  past: Step[];
  present: Project;
  /** The next one first. */
  future: Step[];
  gesture: number | undefined;
}
