// Fetching the keyboard's notes: one request in flight, the newest sound wins, the note under the hand comes first, then
// its neighbours. A hand does not wait for neighbours under way: they are called off, and asked for again later.
/** @import { Block, Fetcher, FetcherState } from "./types.js" */

import { retryAfter } from "./net.js";

// Blocks of keys fetched in one request: half octaves, as a longer one would keep a drag waiting behind it.
const BLOCK = 6;

/**
 * The keyboard in blocks from its lowest key; a remainder of one key joins the block below it.
 * @param {number} low
 * @param {number} high
 * @returns {Block[]}
 */
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

/**
 * Which pitches to fetch next, or null when all is there. A single note takes a fraction of a block's time, so the one key
 * that waits (else the one in `focus`) comes alone before its block; then the blocks that keys wait for, then the others
 * from `focus` outwards.
 * @param {Block[]} blocks
 * @param {object} state
 * @param {(pitch: number) => boolean} state.has  what is there
 * @param {Iterable<number>} state.wanted  pitches that keys wait for
 * @param {number} state.focus  the pitch under the hand
 * @param {boolean} [state.alone]  nothing but single keys is worth asking for, as the sound is still changing
 * @returns {Block | null}
 */
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

/**
 * @template Data
 * @param {object} options
 * @param {Block[]} options.blocks
 * @param {(sound: string, block: Block, signal: AbortSignal) => Promise<Data>} options.fetchBlock  sounds are told by their
 *   text
 * @param {(sound: string, pitch: number) => boolean} options.has  which notes are there
 * @param {(sound: string, block: Block, data: Data) => void} options.onBlock  for every answer; `has` then knows of it
 * @param {(state: FetcherState) => void} options.onState  whenever that changes
 * @param {(run: () => void, ms: number) => unknown} [options.later]  stands in for setTimeout in tests
 * @returns {Fetcher}
 */
export function createFetcher({ blocks, fetchBlock, has, onBlock, onState, later = setTimeout }) {
  /** @type {string | null} */
  let sound = null;
  let focus = blocks[0].low;
  let alone = false;
  /** @type {{sound: string, block: Block, calling: AbortController} | null} */
  let inFlight = null;
  /** @type {unknown} null, "on change", or the timer of the next attempt */
  let retry = null;
  /** @type {Set<number>} */
  const wanted = new Set();

  async function pump() {
    if (inFlight || retry !== null || sound === null) return;
    const block = nextBlock(blocks, { has: (pitch) => has(sound, pitch), wanted, focus, alone });
    if (!block) {
      wanted.clear();
      onState({ busy: false, error: null });
      return;
    }
    const calling = new AbortController();
    inFlight = { sound, block, calling };
    onState({ busy: true, error: null });
    const asked = sound;
    let error = null;
    try {
      const data = await fetchBlock(asked, block, calling.signal);
      if (asked === sound) for (let pitch = block.low; pitch <= block.high; pitch++) wanted.delete(pitch);
      onBlock(asked, block, data);
    } catch (caught) {
      error = caught;
    }
    inFlight = null;
    // Neither what was called off nor an error about a sound that nobody wants any more is shown.
    if (error && !calling.signal.aborted && (asked === sound || error.status === undefined)) {
      wanted.clear();
      onState({ busy: false, error });
      const delay = retryAfter(error);
      retry = delay === null ? "on change" : later(resume, delay);
    } else {
      pump();
    }
  }

  // A single note is nearly here; what else is under way makes room for the key under the hand.
  function makeRoom(pitch) {
    if (!inFlight || inFlight.block.low === inFlight.block.high) return;
    const { low, high } = inFlight.block;
    const isComing = inFlight.sound === sound && pitch >= low && pitch <= high;
    if (!isComing && !has(sound, pitch)) inFlight.calling.abort();
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
      makeRoom(focus);
      pump();
    },
    setFocus(pitch) {
      focus = pitch;
    },
    setAlone(on) {
      alone = on;
      pump();
    },
    want(pitch) {
      wanted.add(pitch);
      focus = pitch;
      if (retry === "on change") retry = null;
      makeRoom(pitch);
      pump();
    },
    prefer(pitches) {
      wanted.clear();
      for (const pitch of pitches) wanted.add(pitch);
      pump();
    },
    isIdle: () => !inFlight && (retry === null || retry === "on change"),
  };
}
