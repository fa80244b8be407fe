// Fetching: one request in flight, the newest sound wins, the note under the hand comes first, then its octave.

// The keyboard in octaves from its lowest key; a remainder of one key joins the octave below it.
export function octaveBlocks(low, high) {
  const blocks = [];
  for (let start = low; start <= high; start += 12) blocks.push({ low: start, high: Math.min(start + 11, high) });
  const last = blocks.at(-1);
  if (blocks.length > 1 && last.low === last.high) {
    blocks.pop();
    blocks.at(-1).high = last.high;
  }
  return blocks;
}

// Which pitches to fetch next, {low, high}, or null when all is there. A single note takes a fraction of an octave's
// time, so the one key that waits (else the one in `focus`, a pitch) comes alone before its octave; then the octaves
// that keys wait for, then the others from `focus` outwards. `loaded` holds octaves by their low key, `tasted` pitches.
export function nextBlock(blocks, { loaded, tasted, wanted, focus }) {
  const missing = blocks.filter((block) => !loaded.has(block.low));
  if (!missing.length) return null;
  const holds = (block, pitch) => pitch >= block.low && pitch <= block.high;
  const urgent = [...wanted].filter((pitch) => missing.some((block) => holds(block, pitch)));
  const first = urgent.length === 1 ? urgent[0] : focus;
  if (urgent.length < 2 && !tasted.has(first) && missing.some((block) => holds(block, first))) {
    return { low: first, high: first };
  }
  const distance = (block) => (focus < block.low ? block.low - focus : Math.max(0, focus - block.high));
  const asked = missing.filter((block) => urgent.some((pitch) => holds(block, pitch)));
  return (asked.length ? asked : missing).reduce((best, block) => (distance(block) < distance(best) ? block : best));
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

// fetchBlock(sound, block) -> Promise of data. onBlock(block, data) for answers that are still wanted. onState({busy,
// error}) whenever that changes. `later` stands in for setTimeout in tests.
export function createFetcher({ blocks, fetchBlock, onBlock, onState, later = setTimeout }) {
  let sound = null;
  let loaded = new Set();
  let tasted = new Set();
  let focus = blocks[0].low;
  let inFlight = false;
  let retry = null;
  const wanted = new Set();

  async function pump() {
    if (inFlight || retry !== null || sound === null) return;
    const block = nextBlock(blocks, { loaded, tasted, wanted, focus });
    if (!block) {
      onState({ busy: false, error: null });
      return;
    }
    inFlight = true;
    onState({ busy: true, error: null });
    const asked = sound;
    let error = null;
    try {
      const data = await fetchBlock(asked, block);
      if (asked === sound) {
        if (block.low === block.high) tasted.add(block.low);
        if (blocks.some(({ low, high }) => low === block.low && high === block.high)) loaded.add(block.low);
        for (let pitch = block.low; pitch <= block.high; pitch++) wanted.delete(pitch);
        onBlock(block, data);
      }
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
      loaded = new Set();
      tasted = new Set();
      if (retry === "on change") retry = null;
      pump();
    },
    setFocus(pitch) {
      focus = pitch;
    },
    want(pitch) {
      wanted.add(pitch);
      focus = pitch;
      if (retry === "on change") retry = null;
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
