// How the server is asked. Types alone: nothing here runs.

/** What went wrong, with a sentence for the player. */
export interface Failure extends Error {
  /** HTTP status; undefined where no answer came at all. */
  status?: number;
}

/** Work for the newest of many wishes. */
export interface Asking<What> {
  ask(what: What): void;
  /** What is on its way is no longer wanted. */
  forget(): void;
}

/** Keys, from the lowest to the highest pitch. */
export interface Block {
  low: number;
  high: number;
}

export interface FetcherState {
  busy: boolean;
  error: Failure | null;
}

/** Fetches the notes of one sound at a time. */
export interface Fetcher {
  /** By its text. */
  setSound(text: string): void;
  setFocus(pitch: number): void;
  /** While the sound is being dragged only the keys that sound are worth a request. */
  setAlone(on: boolean): void;
  want(pitch: number): void;
  /** These and no others are waited for, the first of them most. */
  prefer(pitches: number[]): void;
  /** Nothing is on its way and nothing will be asked for again by itself. */
  isIdle(): boolean;
}

/** The routes of one model. */
export interface ModelClient {
  /** The address of a route; rooms put it into links and pictures. */
  noteAddress(kind: string, parameters: Record<string, string | number | boolean>): URL;
  /** By address, which browsers may keep, or in a body where a sound is too long for one. */
  askModel(
    kind: string,
    parameters: { sound?: string } & Record<string, string | number | boolean>,
    options?: RequestInit,
  ): Promise<Response>;
  /** In a body, as JSON. */
  askBody(kind: string, parameters: object, options?: RequestInit): Promise<Response>;
  /** A file as the body, with parameters beside it. */
  sendFile(
    kind: string,
    file: Blob,
    type: string,
    parameters: Record<string, string | number>,
    options?: RequestInit,
  ): Promise<Response>;
}

/** Notes by the text of their sound and by pitch. */
export interface NoteCache {
  get(text: string, pitch: number): Int16Array | undefined;
  has(text: string, pitch: number): boolean;
  put(text: string, pitch: number, samples: Int16Array): void;
  readonly size: number;
}

/** The notes that are here, and those that can be fetched. */
export interface Notes extends Pick<NoteCache, "get" | "has"> {
  /** The notes of a block, one after the other. */
  fetchBlock(text: string, block: Block, signal?: AbortSignal): Promise<Int16Array>;
  keepBlock(text: string, block: Block, samples: Int16Array): void;
  /** One note of a sound, fetched if it is not here. */
  note(text: string, pitch: number, signal?: AbortSignal): Promise<Int16Array>;
  /** The sound's note, or that of the sound whose note of this pitch came last; no samples where none ever came. */
  newest(text: string, pitch: number): { samples: Int16Array | undefined; which: string | undefined };
  /** Fetches notes of several sounds, a request for each pitch. */
  prepare(texts: string[], pitches: number[]): Promise<void>;
}

/** How far a job of the server is. */
export interface Job {
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  done: number;
  total: number;
  /** Seconds, if it can be told. */
  left: number | null;
  error: string | null;
  /** What came of it; packs and songs tell different things. */
  about: Record<string, any> | null;
}
