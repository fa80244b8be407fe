// Where the points lie: the layouts, how one turns into another, and who is near in them.

import { eased, shareOf } from "./easing.js";
import { boundsOf, createIndex } from "./scatter.js";

const LAYOUT_MS = 700;

// `layouts` are places by name, Float32Array x0, y0, x1, y1 ...
export function createArrangement(layouts, first) {
  const everyone = Array.from({ length: layouts[first].length / 2 }, (_, point) => point);
  const indexes = {};
  let name = first;
  let places = layouts[first]; // what is seen now
  let change = null; // {from, to, began} while one layout turns into another

  return {
    get name() {
      return name;
    },
    get places() {
      return places;
    },
    // Where the points will lie once nothing moves.
    get settled() {
      return layouts[name];
    },
    isChanging: () => change !== null,
    turnTo(next) {
      change = { from: places, to: layouts[next], began: performance.now() };
      name = next;
    },
    // Moves on with a change under way; returns whether there was one.
    advance(now) {
      if (!change) return false;
      const { from, to, began } = change;
      const share = shareOf(now, began, LAYOUT_MS);
      const done = eased(share);
      places = share === 1 ? to : from.map((value, at) => value + (to[at] - value) * done);
      if (share === 1) change = null;
      return true;
    },
    bounds: (points = everyone) => boundsOf(layouts[name], points),
    nearest(...wanted) {
      indexes[name] ??= createIndex(layouts[name]);
      return indexes[name].nearest(...wanted);
    },
  };
}
