// Asking the server: one answer, an answer worth waiting for, the newest of many.
/** @import { Asking, Failure } from "./types.js" */

/**
 * A good answer, or an Error whose message is a sentence for the player and whose `status` is the HTTP status.
 * @param {string | URL} url
 * @param {RequestInit} [options]
 */
export async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, options);
  } catch (cause) {
    if (cause.name === "AbortError") throw cause;
    throw new Error("The studio does not answer. Your sound is kept.");
  }
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({}));
  const sentence = body.error ?? (typeof body.detail === "string" ? body.detail : null);
  throw Object.assign(new Error(sentence ?? `The studio could not do that (${answer.status}).`), {
    status: answer.status,
  });
}

/**
 * What to do about a failed answer: after how many milliseconds to try again (null: not before something changes).
 * @param {Failure} error
 */
export function retryAfter(error) {
  if (error.name === "AbortError") return null; // nobody waits for it any more
  if (error.status === undefined) return 2000; // no answer at all: the server is gone or restarting
  if (error.status === 503) return 700;
  return null;
}

/**
 * What to say of a failure while whoever asked goes by `retryAfter`.
 * @param {Failure} error
 */
export const whileRetrying = (error) => (retryAfter(error) === null ? error.message : `${error.message} Trying again.`);

/**
 * The result of `attempt`, made again as long as `retryAfter` says so.
 * @template Result
 * @param {() => Promise<Result>} attempt
 * @param {object} options
 * @param {(error: Failure) => void} options.onRetry  before each wait
 * @param {number} [options.tries]  at most
 * @param {(run: () => void, ms: number) => void} [options.later]  stands in for setTimeout in tests
 * @returns {Promise<Result>}
 */
export async function persist(attempt, { onRetry, tries = 30, later = setTimeout }) {
  for (let made = 1; ; made++) {
    try {
      return await attempt();
    } catch (error) {
      const delay = retryAfter(error);
      if (delay === null || made === tries) throw error;
      onRetry(error);
      await new Promise((resolve) => later(() => resolve(null), delay));
    }
  }
}

/**
 * Does `work` for the newest `what` alone: one at a time, and those that came while it was busy are forgotten but for the
 * last. onDone and onError only if nothing newer has come meanwhile.
 * @template What, Result
 * @param {(what: What) => Promise<Result>} work
 * @param {(result: Result, what: What) => void} onDone
 * @param {(error: Failure, what: What) => void} [onError]
 * @returns {Asking<What>}
 */
export function createLatest(work, onDone, onError = () => {}) {
  let waiting = null;
  let busy = false;
  let newest = 0;
  async function pump() {
    while (waiting) {
      const { what, number } = waiting;
      waiting = null;
      try {
        const result = await work(what);
        if (number === newest) onDone(result, what);
      } catch (error) {
        if (number === newest) onError(error, what);
      }
    }
    busy = false;
  }
  return {
    ask(what) {
      waiting = { what, number: ++newest };
      if (busy) return;
      busy = true;
      pump();
    },
    forget() {
      newest++;
      waiting = null;
    },
  };
}

/**
 * Does `work` for each `what` at once and gives up the one before: for work that ends where its signal says so. onDone and
 * onError only if nothing newer has come meanwhile.
 * @template What, Result
 * @param {(what: What, signal: AbortSignal) => Promise<Result>} work
 * @param {(result: Result, what: What) => void} onDone
 * @param {(error: Failure, what: What) => void} [onError]
 * @returns {Asking<What>}
 */
export function createNewest(work, onDone, onError = () => {}) {
  let current = null;
  async function run(what) {
    current?.abort();
    const mine = new AbortController();
    current = mine;
    try {
      const result = await work(what, mine.signal);
      if (current === mine) onDone(result, what);
    } catch (error) {
      if (current === mine) onError(error, what);
    }
  }
  return {
    ask(what) {
      run(what);
    },
    forget() {
      current?.abort();
      current = null;
    },
  };
}
