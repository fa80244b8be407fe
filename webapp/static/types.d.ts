// The studio behind the rooms, and what it is made of. Types alone: nothing here runs.

import { Engine, NearSound, Voice } from "./audio/types.js";
import { Action, Item, KeptChange, Library, ListName, Model, Patch, Project, Sound } from "./document/types.js";
import { Written } from "./parts/types.js";
import { Failure, Fetcher, FetcherState, ModelClient, Notes } from "./server/types.js";

/** What a room is told. */
export interface RoomCallbacks {
  /** The project changed. */
  project?(before: Project): void;
  /** Favourites, basket or history changed, here or in another tab. */
  library?(): void;
  /** Keys went down or up, or voices came or went. */
  keys?(): void;
  /** Notes are on their way, or are not. */
  status?(): void;
  /** The sound was switched on or off. */
  power?(): void;
  /** Everything is to be quiet. */
  silence?(): void;
  /** Somebody listened to a sound for a while. */
  heard?(sound: Sound, pitch: number): void;
}

/** The project, its undo, its drags and its saving. */
export interface Bench {
  readonly project: Project;
  /** What plays: the sound of the project, and its text. */
  readonly sound: Sound;
  readonly text: string;
  dispatch(action: Action): void;
  /** Begins a drag, whose moves are undone as one step; false if one is under way. */
  begin(): boolean;
  move(action: Action): void;
  /** Ends the drag; false if there was none. */
  end(): boolean;
  /** The project before the last drag. */
  takeBack(): void;
  isDragging(): boolean;
  /** Another project takes this one's place, as one step that can be undone. */
  load(project: Project): void;
  /** A change of the library is a step that can be undone too. */
  record(change: KeptChange): void;
  undo(): void;
  redo(): void;
  /** What the next undo or redo changes, in words; null where there is nothing to go to. */
  undoes(): string | null;
  redoes(): string | null;
  save(): void;
}

/**
 * Favourites, basket and history, which all tabs share. The lists are new arrays whenever they change. What changes them
 * tells how many records it changed; all but hearing can be undone.
 */
export interface Kept extends Readonly<Library> {
  /** At the end of a list, each once; `patch` is what sounds in the basket were played with. */
  keep(list: ListName, items: Item[], patch?: Patch): number;
  forget(list: ListName, ids: string[]): number;
  rename(list: ListName, id: string, change: Partial<Item>): number;
  move(list: ListName, id: string, to: number): number;
  /** What these lists hold that is not here. */
  add(lists: Library): number;
  /** A sound was listened to, or is taken off the history. */
  hears(item: Item): void;
  unhear(id: string): void;
  /** A change as it was, or as it is; whether the browser keeps it. */
  apply(change: KeptChange, side?: "before" | "after"): Promise<boolean>;
  /** All of it, for a file. */
  text(): string;
  /** What another tab wrote. */
  hear(written: Written): void;
  watch(listener: { changed(): void; undoable(change: KeptChange): void }): void;
  /** As `add`, but not undone; whether the browser keeps it. */
  moveIn(lists: Library): Promise<boolean>;
}

/** Tells which sounds were listened to: those that stayed for a while, not those that a drag passed. */
export interface Heard {
  /** A sound, by its text, begins to be heard at a pitch. */
  rest(text: string, pitch: number): void;
  /** Another one takes its place. */
  moveOn(): void;
}

/** What the parts of the studio share. */
export interface Desk {
  model: Model;
  engine: Engine;
  notes: Notes;
  fetcher: Fetcher;
  bench: Bench;
  heard: Heard;
  /** Calls back every room. */
  tell<What extends keyof RoomCallbacks>(what: What, ...details: Parameters<RoomCallbacks[What]>): void;
}

/** A phrase that plays by itself. */
export interface PhrasePlayer {
  start(): void;
  stop(): void;
  isOn(): boolean;
}

/** Pitches by what their keys do. */
export interface Keys {
  down: Set<number>;
  /** For their sound to come. */
  waiting: Set<number>;
  sounding: Set<number>;
  pedal: boolean;
}

/** Lets the notes of held keys go on. */
export interface Holding {
  /** A voice whose note has this pitch, for as long as it is held; returns it. */
  watch(voice: Voice, pitch: number): Voice;
}

/** The keys that are held, the pedal, and the phrase. */
export interface Playing {
  /** Keys are told by their MIDI numbers, and sound as the project's tuning has them. */
  canPress(key: number): boolean;
  /** Returns the pitch of the note that sounds, which the tuning may detune by up to half a semitone. */
  press(key: number, velocity: number): number;
  /** A key that is held sounds `semitones` higher. */
  bend(key: number, semitones: number): void;
  lift(key: number): void;
  pedal(on: boolean): void;
  phrase: PhrasePlayer;
  /** Sounds the keys that waited for their note; those that sound go over to the present sound if `goOver`. */
  flush(goOver: boolean): void;
  /** Asks for the notes of the held keys that are not here. */
  want(): void;
  /** Keys that waited are forgotten: they must not sound out of the blue minutes later. */
  giveUp(): void;
  stop(): void;
  /** Whether keys or the phrase let the sound be heard already. */
  isPlaying(): boolean;
  isHeld(): boolean;
  /** The held keys that sound. */
  voices(): [number, Voice][];
  /** The pitches of the keys held, or else the note under the hand. */
  pitchesAtHand(): number[];
  keys(): Keys;
}

export interface SoloOptions {
  /** Without the envelope. */
  plain?: boolean;
  /** How long its key is down. */
  ms?: number;
  share?: number;
  /** Semitones that it sounds above its samples. */
  detune?: number;
}

/** One note by itself: the audition of a change, a try, another sound that somebody points at. */
export interface Solo {
  /** `text` is null for a note that does not count as heard. */
  play(samples: Int16Array, text: string | null, options?: SoloOptions): void;
  /** The note that sounds, or null. */
  voice(): Voice | null;
  /** Ends it at once, or as a key let go does. */
  cut(): void;
  release(): void;
}

/** What is heard of a sound beside the keys. */
export interface Listening {
  /** The sound changes; `live` by a hand that drags it. */
  begin(live: boolean): void;
  /** Plays what a change is waiting to let be heard, if its note is here. */
  audition(): void;
  /** Lets the live voice play this newest sound, if a hand drags it. */
  follow(text: string): void;
  /** What the hand takes hold of sounds at once; what it lets go ends. */
  takeHold(): void;
  letGo(): void;
  /** Keys or the live voice play what comes close to a sound that is not here yet. */
  approach(near: NearSound[]): void;
  /** Keys or a phrase take over. */
  giveWay(): void;
  listen(other: Sound): void;
  hush(): void;
  tryOut(): void;
  /** Text of the sound that the live voice plays, or stands in for; null for none. */
  heard(): string | null;
}

/** Another sound in place of the present one, as loud as it is. */
export interface Comparing {
  compare(other: Sound): Promise<void>;
  compareOff(): void;
  /** How many dB are added to another sound when it is compared; null before both are here. */
  compareDb(other: Sound): number | null;
  isOn(): boolean;
  /** A key more is held. */
  again(): void;
}

/** What rooms may do; `studio.js` tells more. */
export interface Studio
  extends
    ModelClient,
    Pick<Bench, "dispatch" | "load" | "undo" | "redo" | "undoes" | "redoes">,
    Pick<Playing, "lift" | "pedal" | "phrase" | "keys">,
    Pick<Listening, "listen" | "hush" | "tryOut">,
    Pick<Comparing, "compare" | "compareOff" | "compareDb"> {
  model: Model;
  engine: Engine;
  library: Kept;
  readonly project: Project;
  readonly sound: Sound;
  readonly soundText: string;
  readonly status: FetcherState;
  /** Text of the sound that the live voice plays, or stands in for, while something is dragged; null for none. */
  readonly heard: string | null;
  /**
   * A step of a movement. `near` may name sounds fetched before (see `prepare`) that come close to the one that is asked
   * for now: they are heard until that is here. A `mute` drag is one of something that is no part of the sound.
   */
  drag(action: Action, options?: { near?: NearSound[] | null; mute?: boolean }): void;
  drop(): void;
  /** Ends a drag as if it had never been. */
  cancel(): void;
  /** Fetches the notes at hand of several sounds, so that `near` can play them. */
  prepare(sounds: Sound[]): Promise<void>;
  /** Whether the note under the hand, and every key held, is here. */
  isReady(sound: Sound): boolean;
  press(pitch: number, velocity?: number): void;
  bend(semitones: number): void;
  bendKey: Playing["bend"];
  /** The note of a sound, fetched if it is not here. */
  noteOf(sound: Sound, pitch: number): Promise<Int16Array>;
  /** Any samples at the notes' rate, once, without envelope; what sounded so before ends. */
  playOnce(samples: Int16Array, options?: SoloOptions): void;
  /** Any sound as its numbers alone; refused where the model cannot play it. */
  flatten(sound: Sound): Promise<Sound>;
  /** Opens the page anew with another model; each has a project of its own. */
  changeModel(id: string): void;
  pitchName(pitch: number): string;
  silence(): void;
  /** The keyboard's blocks, and which of them are here. */
  blocks(): { low: number; high: number; loaded: boolean }[];
  /** The sound is no longer on the move, and the note under the hand is here. */
  isSettled(): boolean;
  isQuiet(): boolean;
  /** A room that Gradio mounts again takes the place of its former self. */
  enter(name: string, callbacks: RoomCallbacks): Studio;
  /** The map, once it is built; tests look through it. */
  map?: unknown;
}

declare global {
  interface Window {
    /** For the console and for tests. */
    studio: Studio;
  }
}
