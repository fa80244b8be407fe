// Keyframes: sounds fetched before the hand gets to them. What lies between them is heard at once, as a mixture of its
// neighbours, until the exact sound is there. They lie on a grid over the line or a slider (one axis) or the pad (two),
// which is halved from level to level: 0 and 1, then 1/2, then the quarters.
/** @import { NearSound, Part } from "./types.js" */
/** @import { Sound } from "../document/types.js" */

// How many halvings: nine sounds each.
export const LINE_LEVELS = 3;
export const PAD_LEVELS = 1;
const REST_MS = 1200;
const REQUESTS = [2, 4]; // where the requests part: the first must soon be there, and each takes a turn of the model
const HEARD_SAMPLES = 512; // of each of HEARD_STRETCHES of a note, by which levels are compared
const HEARD_STRETCHES = 8;
const MOST_CORRECTED = 1.5; // sounds that cancel each other are not brought up without end

/**
 * The grid's places, [x] or [x, y], in the order that a hand at `place` needs them. On one axis: the two beside it, the
 * ends, and the others from it outwards. On two: coarse levels first, within a level from it outwards.
 * @param {number[]} place
 * @param {number} levels
 * @returns {number[][]}
 */
export function gridPlaces(place, levels) {
  const steps = 2 ** levels;
  const axis = Array.from({ length: steps + 1 }, (_, index) => index / steps);
  const places = place.reduce((grown, _) => grown.flatMap((begun) => axis.map((value) => [...begun, value])), [[]]);
  const distance = (at) => Math.hypot(...at.map((value, index) => value - place[index]));
  const levelOf = (value) =>
    Array.from({ length: levels + 1 }, (_, level) => level).find((level) => Number.isInteger(value * 2 ** level));
  const beside = new Set(between(place, places).map(({ at }) => at));
  const rankOf = (at) => (place.length > 1 ? Math.max(...at.map(levelOf)) : beside.has(at) ? 0 : at[0] % 1 ? 2 : 1);
  const ranked = places.map((at) => ({ at, rank: rankOf(at), away: distance(at) }));
  return ranked.sort((a, b) => a.rank - b.rank || a.away - b.away).map(({ at }) => at);
}

/**
 * Of `places` of one axis those next to `place` on either side, at equal power: the squares of the shares add to one. Empty
 * where there is none on a side.
 * @param {number[]} place
 * @param {number[][]} places
 */
export function between([value], places) {
  const low = places.reduce((best, at) => (at[0] <= value && !(best?.[0] >= at[0]) ? at : best), null);
  const high = places.reduce((best, at) => (at[0] >= value && !(best?.[0] <= at[0]) ? at : best), null);
  if (!low || !high) return [];
  const way = low === high ? 0 : (((value - low[0]) / (high[0] - low[0])) * Math.PI) / 2;
  return [
    { at: low, share: Math.cos(way) },
    { at: high, share: Math.sin(way) },
  ].filter(({ share }) => share > 1e-6);
}

/**
 * The grid's places around `place` at one level, at equal power: the squares of the shares add to one.
 * @param {number[]} place
 * @param {number} level
 * @returns {{at: number[], share: number}[]}
 */
export function neighbours(place, level) {
  const steps = 2 ** level;
  return place
    .reduce(
      (parts, value) => {
        const low = Math.min(steps - 1, Math.floor(value * steps));
        const way = ((value * steps - low) * Math.PI) / 2;
        const both = [
          [low / steps, Math.cos(way)],
          [(low + 1) / steps, Math.sin(way)],
        ];
        return parts.flatMap(({ at, share }) =>
          both.map(([next, part]) => ({ at: [...at, next], share: share * part })),
        );
      },
      [{ at: [], share: 1 }],
    )
    .filter(({ share }) => share > 1e-6);
}

/**
 * `parts` with the shares scaled so that the mixture is as loud as equal power promises. That holds by itself for sounds
 * that have nothing in common; neighbours that are nearly the same would add up to 3 dB too much.
 * @param {Part[]} parts
 */
export function levelled(parts) {
  if (parts.length < 2) return parts.map((part) => ({ ...part, share: 1 }));
  const length = Math.min(...parts.map(({ samples }) => samples.length));
  let power = 0;
  let sum = 0;
  for (let stretch = 0; stretch < HEARD_STRETCHES; stretch++) {
    const from = Math.floor((length * (stretch + 0.5)) / (HEARD_STRETCHES + 1));
    for (let i = from; i < Math.min(length, from + HEARD_SAMPLES); i++) {
      let value = 0;
      for (const { samples, share } of parts) {
        value += share * samples[i];
        power += (share * samples[i]) ** 2;
      }
      sum += value ** 2;
    }
  }
  const scale = sum > 0 ? Math.min(MOST_CORRECTED, Math.sqrt(power / sum)) : 1;
  return parts.map((part) => ({ ...part, share: part.share * scale }));
}

/**
 * The keyframes of one line, slider or pad.
 * @param {object} options
 * @param {number} options.levels  how often the grid is halved
 * @param {(place: number[]) => Sound} options.soundAt
 * @param {(sound: Sound) => boolean} options.isReady  whether the sound's note under the hand is here
 * @param {(sounds: Sound[]) => Promise<void>} options.prepare  fetches that of several, and resolves once it is
 * @param {() => boolean} options.isQuiet  whether nobody plays or waits
 */
export function createKeyframes({ levels, soundAt, isReady, prepare, isQuiet }) {
  let wanted = 0;
  let resting = null;
  let off = []; // places beside the grid whose sounds are here, or will be

  // Fetches what is missing, near `place` first. A later call, or `forget`, takes the place of the rest of this one.
  // Of one axis it may be told of places beside the grid whose sounds are here anyway.
  async function fetch(place, beside = []) {
    clearTimeout(resting);
    off = beside;
    const mine = ++wanted;
    const sounds = gridPlaces(place, levels)
      .map(soundAt)
      .filter((sound) => !isReady(sound));
    const ends = [...REQUESTS.filter((end) => end < sounds.length), sounds.length];
    for (const [index, end] of ends.entries()) {
      const some = sounds.slice(ends[index - 1] ?? 0, end);
      if (mine === wanted && some.length) await prepare(some);
    }
  }

  // The sounds are others now: fetches them once nothing has moved for a while, so that a hand that comes later finds them
  // there, and no more of those that were on their way.
  function rest(place) {
    wanted++;
    wait(place);
  }

  function wait(place) {
    clearTimeout(resting);
    resting = setTimeout(() => (isQuiet() ? prefetch(place) : wait(place)), REST_MS);
  }

  // As `fetch`, for a hand that will ask again: where it fails the drag is heard all the same, a little later.
  function prefetch(place, beside) {
    fetch(place, beside).catch(() => {});
  }

  /** @returns {NearSound[]} */
  const withSounds = (parts) => parts.map(({ at, share }) => ({ sound: soundAt(at), share }));

  return {
    fetch,
    prefetch,
    rest,
    forget() {
      wanted++;
    },
    // What comes close to a place's sound, [{sound, share}]: on one axis what is here on either side of it, on two the
    // finest grid that is here; null if none is.
    near(place) {
      if (place.length === 1) {
        const here = [...gridPlaces(place, levels), ...off].filter((at) => isReady(soundAt(at)));
        const parts = between(place, here);
        return parts.length ? withSounds(parts) : null;
      }
      for (let level = levels; level >= 0; level--) {
        const parts = withSounds(neighbours(place, level));
        if (parts.every(({ sound }) => isReady(sound))) return parts;
      }
      return null;
    },
  };
}
