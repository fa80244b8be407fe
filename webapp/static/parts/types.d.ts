// What hands, keys and MIDI devices tell, and what the browser keeps. Types alone: nothing here runs.

import { Item, KeptRecord, Sound } from "../document/types.js";

/** CSS pixels from the element's corner; `touch` for those of fingers. */
export interface GesturePlace {
  x: number;
  y: number;
  touch?: boolean;
}

/** `second` with Shift or after a long press, `toggle` with Ctrl. */
export interface TapKeys {
  second: boolean;
  toggle?: boolean;
}

export interface GestureCallbacks {
  /** The pointer moves over, with no button down, or leaves. */
  hover(at: GesturePlace): void;
  leave?(): void;
  /** A click. */
  tap(at: GesturePlace, keys: TapKeys): void;
  /** A drag from its beginning to its end. */
  begin(at: GesturePlace, kind: "draw" | "lasso"): void;
  move(at: GesturePlace): void;
  end(at: GesturePlace): void;
  cancel(): void;
  /** By wheel, middle button, two fingers, or the tool. */
  pan(dx: number, dy: number): void;
  zoom(factor: number, at: GesturePlace): void;
}

export interface Gesture {
  kind: "press" | "draw" | "lasso" | "pan" | "pinch" | "over";
  /** Of the pointer that makes it. */
  id?: number;
  from?: GesturePlace;
  /** Where it was last; of a pinch also how far the fingers were apart. */
  last?: GesturePlace & { wide?: number };
  /** Whether a drag gathers. */
  lasso?: boolean;
  keys?: TapKeys;
}

/**
 * What a MIDI message says; one of {on, velocity}, {off}, {bend}, {pedal}, {handle, to}, {pressure, key}, {parameter, value},
 * {data}, {allOff} and {reset}.
 */
export interface MidiMeaning {
  /** Pitches. */
  on?: number;
  off?: number;
  /** 0 to 1. */
  velocity?: number;
  /** -1 to 1. */
  bend?: number;
  pedal?: boolean;
  /** 0 to 1, of its channel or of a key. */
  pressure?: number;
  key?: number;
  /** Which half of a registered parameter's number is chosen, and the value of what is. */
  parameter?: "low" | "high";
  value?: number;
  data?: number;
  /** A controller that moves the handle of the morph, and where to: 0 to 1. */
  handle?: number;
  to?: number;
  allOff?: true;
  reset?: true;
}

/** Records that a tab put into the library's database, and those that it took out. */
export interface Written {
  put: KeptRecord[];
  gone: KeptRecord[];
}

/** The browser's database of kept records, of one model. */
export interface Database {
  read(): Promise<KeptRecord[]>;
  /** All of it or nothing; done once it is safely stored. */
  write(written: Written): Promise<void>;
}

declare global {
  interface WindowEventMap {
    /** A room wants to be seen, or is now; `detail` is its name. */
    "studio:show": CustomEvent<string>;
    "studio:shown": CustomEvent<string>;
    /** A pane came before the others; `detail` is its name. */
    "studio:front": CustomEvent<string>;
    /** Sounds like this one are to be found. */
    "studio:like": CustomEvent<{ sound: Sound; name: string }>;
    /** An own sound is to be seen beside its recording. */
    "studio:own": CustomEvent<Item>;
    /** The sheet of shortcuts is to be opened, or shut. */
    "studio:help": Event;
  }
  interface Navigator {
    /** Not in every browser. */
    keyboard?: { getLayoutMap?(): Promise<Map<string, string>> } & Partial<EventTarget>;
  }
}
