// Fetching: one request in flight, the newest sound wins, the note under the hand comes first, then its neighbours.

// Blocks of keys fetched in one request: half octaves, as a longer one would keep a drag waiting behind it.
const BLOCK = 6;

// The keyboard in blocks from its lowest key; a remainder of one key joins the block below it.
export function keyBlocks(low, high, size = BLOCK) {
  const blocks = [];
  for (let start = low; start <= high; start += size)
    blocks.push({ low: start, high: Math.min(start + size - 1, high) });
  const last = blocks.at(-1);
  if (blocks.length > 1 && last.low === last.high) {
    blocks.pop();
    blocks.at(-1).high = last.high;
  }
  return blocks;
}

// Which pitches to fetch next, {low, high}, or null when all is there. A single note takes a fraction of a block's
// time, so the one key that waits (else the one in `focus`, a pitch) comes alone before its block; then the blocks
// that keys wait for, then the others from `focus` outwards. `has(pitch)` tells what is there; with `alone` nothing but
// single keys is worth asking for, as the sound is still changing.
export function nextBlock(blocks, { has, wanted, focus, alone = false }) {
  const pitches = ({ low, high }) => Array.from({ length: high - low + 1 }, (_, index) => low + index);
  const missing = blocks.filter((block) => !pitches(block).every(has));
  if (!missing.length) return null;
  const holds = (block, pitch) => pitch >= block.low && pitch <= block.high;
  const urgent = [...wanted].filter((pitch) => !has(pitch) && missing.some((block) => holds(block, pitch)));
  if (alone && urgent.length) return { low: urgent[0], high: urgent[0] };
  const first = urgent.length === 1 ? urgent[0] : focus;
  if (urgent.length < 2 && !has(first) && missing.some((block) => holds(block, first)))
    return { low: first, high: first };
  if (alone) return null;
  const distance = (block) => (focus < block.low ? block.low - focus : Math.max(0, focus - block.high));
  const asked = missing.filter((block) => urgent.some((pitch) => holds(block, pitch)));
  return (asked.length ? asked : missing).reduce((best, block) => (distance(block) < distance(best) ? block : best));
}

// Notes by sound and pitch, the sounds least recently used thrown out first once there are more than `most` notes.
export function createNoteCache(most) {
  const sounds = new Map(); // text -> Map of pitch -> samples
  let count = 0;
  return {
    get(text, pitch) {
      const notes = sounds.get(text);
      if (!notes) return undefined;
      sounds.delete(text); // put back below as the newest
      sounds.set(text, notes);
      return notes.get(pitch);
    },
    has: (text, pitch) => Boolean(sounds.get(text)?.has(pitch)),
    put(text, pitch, samples) {
      const notes = sounds.get(text) ?? new Map();
      sounds.delete(text);
      sounds.set(text, notes);
      if (!notes.has(pitch)) count++;
      notes.set(pitch, samples);
      while (count > most && sounds.size > 1) {
        const [oldest, thrown] = sounds.entries().next().value;
        sounds.delete(oldest);
        count -= thrown.size;
      }
    },
    get size() {
      return count;
    },
  };
}

// Runs `work(what)`, which returns a promise, for the newest `what` alone: one at a time, and those that came while it
// was busy are forgotten but for the last. onDone(result, what) only if nothing newer has come meanwhile.
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
    // What is on its way is no longer wanted.
    forget() {
      newest++;
      waiting = null;
    },
  };
}

// Runs `work(what, signal)`, which returns a promise, for each `what` at once and gives up the one before: for work that
// ends where its signal says so. onDone and onError as above.
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

// What to do about a failed answer: after how many milliseconds to try again (null: not before something changes).
export function retryAfter(error) {
  if (error.name === "AbortError") return null; // nobody waits for it any more
  if (error.status === undefined) return 2000; // no answer at all: the server is gone or restarting
  if (error.status === 503) return 700;
  return null;
}

// What to say of a failure while whoever asked goes by `retryAfter`.
export const whileRetrying = (error) => (retryAfter(error) === null ? error.message : `${error.message} Trying again.`);

// The result of attempt(), which returns a promise, made again as long as `retryAfter` says so, `tries` times at most.
// onRetry(error) before each wait. `later` stands in for setTimeout in tests.
export async function persist(attempt, { onRetry, tries = 30, later = setTimeout }) {
  for (let made = 1; ; made++) {
    try {
      return await attempt();
    } catch (error) {
      const delay = retryAfter(error);
      if (delay === null || made === tries) throw error;
      onRetry(error);
      await new Promise((resolve) => later(resolve, delay));
    }
  }
}

// fetchBlock(sound, block) -> Promise of data. has(sound, pitch) tells which notes are there. onBlock(sound, block, data)
// for every answer, which then `has` must know of. onState({busy, error}) whenever that changes. `later` stands in for
// setTimeout in tests.
export function createFetcher({ blocks, fetchBlock, has, onBlock, onState, later = setTimeout }) {
  let sound = null;
  let focus = blocks[0].low;
  let alone = false;
  let inFlight = false;
  let retry = null;
  const wanted = new Set();

  async function pump() {
    if (inFlight || retry !== null || sound === null) return;
    const block = nextBlock(blocks, { has: (pitch) => has(sound, pitch), wanted, focus, alone });
    if (!block) {
      wanted.clear();
      onState({ busy: false, error: null });
      return;
    }
    inFlight = true;
    onState({ busy: true, error: null });
    const asked = sound;
    let error = null;
    try {
      const data = await fetchBlock(asked, block);
      if (asked === sound) for (let pitch = block.low; pitch <= block.high; pitch++) wanted.delete(pitch);
      onBlock(asked, block, data);
    } catch (caught) {
      error = caught;
    }
    inFlight = false;
    // The complaint about a sound nobody wants any more is not worth the player's eyes.
    if (error && (asked === sound || error.status === undefined)) {
      wanted.clear();
      onState({ busy: false, error });
      const delay = retryAfter(error);
      retry = delay === null ? "on change" : later(resume, delay);
    } else {
      pump();
    }
  }

  function resume() {
    retry = null;
    pump();
  }

  return {
    setSound(next) {
      if (next === sound) return;
      sound = next;
      if (retry === "on change") retry = null;
      pump();
    },
    setFocus(pitch) {
      focus = pitch;
    },
    // While the sound is being dragged only the keys that sound are worth a request.
    setAlone(on) {
      alone = on;
      pump();
    },
    want(pitch) {
      wanted.add(pitch);
      focus = pitch;
      if (retry === "on change") retry = null;
      pump();
    },
    // These and no others are waited for, the first of them most.
    prefer(pitches) {
      wanted.clear();
      for (const pitch of pitches) wanted.add(pitch);
      pump();
    },
    // Nothing is on its way and nothing will be asked for again by itself.
    isIdle: () => !inFlight && (retry === null || retry === "on change"),
  };
}

// An answer's body, or an Error whose message is a sentence for the player and whose `status` is the HTTP status.
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
