// The path of sounds along a song: stops, each at a share of the song's length.
/** @import { Model, Slot, Stop } from "./types.js" */

import { checkedSound } from "./checked.js";
import { canonical } from "./sound.js";
import { knownSound } from "./checked.js";
import { clamp } from "./numbers.js";
import { storedList } from "./stored.js";

export const MOST_STOPS = 16;
const APART = 0.0005; // stops at one place are sent this far from each other

/**
 * Where the next stop goes: begin, end, else the middle of the widest gap.
 * @param {Stop[]} stops
 */
export function nextPlace(stops) {
  const places = stops.map(({ at }) => at).sort((a, b) => a - b);
  if (!places.length) return 0;
  if (places.at(-1) < 0.95) return 1;
  if (places[0] > 0.05) return 0;
  let [best, width] = [0.5, 0];
  for (let index = 1; index < places.length; index++) {
    const gap = places[index] - places[index - 1];
    if (gap > width + 1e-9) [best, width] = [places[index - 1] + gap / 2, gap];
  }
  return best;
}

/**
 * @param {Stop[]} stops
 * @param {Slot} slot
 * @returns {Stop[]}
 */
export function withStop(stops, { sound, name }, at = nextPlace(stops)) {
  if (stops.length >= MOST_STOPS) return stops;
  const id = 1 + Math.max(0, ...stops.map((stop) => stop.id));
  return [...stops, { id, sound: canonical(sound), name, at: clamp(at, 0, 1) }];
}

/** @param {Stop[]} stops */
export const inOrder = (stops) => [...stops].sort((a, b) => a.at - b.at || a.id - b.id);

/**
 * The stops at equal distances, in their order.
 * @param {Stop[]} stops
 * @returns {Stop[]}
 */
export function spread(stops) {
  const last = Math.max(1, stops.length - 1);
  return inOrder(stops).map((stop, index) => ({ ...stop, at: index / last }));
}

/**
 * As the server wants it: rising, each place once.
 * @param {Stop[]} stops
 */
export function pathOf(stops) {
  const ordered = inOrder(stops);
  const places = [];
  for (const { at } of ordered) places.push(Math.max(at, places.length ? places.at(-1) + APART : 0));
  for (let index = places.length - 1, most = 1; index >= 0; index--, most = places[index + 1] - APART) {
    places[index] = Math.min(places[index], most);
  }
  return ordered.map(({ sound }, index) => ({ sound, at: places[index] }));
}

/**
 * Stops as they were stored, without what this model cannot play.
 * @param {string | null} text
 * @param {Model} model
 * @returns {Stop[]}
 */
export function recallStops(text, model) {
  return storedList(text).reduce((stops, stop) => {
    const sound = checkedSound(stop?.sound);
    const good = sound && knownSound(sound, model) && typeof stop.name === "string" && Number.isFinite(stop.at);
    return good ? withStop(stops, { sound, name: stop.name.slice(0, 120) }, stop.at) : stops;
  }, []);
}

/**
 * 83.4 -> "1:23"
 * @param {number} seconds
 */
export const timeText = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
