// Where one looks on the map, and flights from one view to another. A view is {scale, x, y}, as in scatter.js.

import { eased, shareOf } from "./easing.js";
import { between, fitted, kept, zoomed } from "./scatter.js";

const MOST_ZOOM = 60; // times the whole map
const LEAST_ZOOM = 0.8;
const CLOSEST = 12; // times the whole map, for points that are flown to
const FLY_MS = 350;
const MARGIN = 20; // pixels from the frame within which a point is brought further in

// frame() is {left, top, right, bottom}, the pixels that nothing covers; changed() when the view is about to be another.
export function createCamera(frame, changed) {
  let view = { scale: 1, x: 0, y: 0 };
  let whole = view; // the view that shows all of the map
  let moved = false; // by hand, away from `whole`
  let flight = null; // {from, to, began}

  const fly = (to) => (flight = { from: view, to, began: performance.now() });
  const goal = () => flight?.to ?? view;

  function look(next, { soon = false } = {}) {
    moved = next !== whole;
    flight = null;
    if (soon) fly(next);
    else view = next;
    changed();
  }

  // Keeps the map in sight.
  const lookAt = (next, options) => look(kept(next, frame()), options);

  return {
    get view() {
      return view;
    },
    get whole() {
      return whole;
    },
    // Moves on with a flight under way; returns whether there was one.
    advance(now) {
      if (!flight) return false;
      const share = shareOf(now, flight.began, FLY_MS);
      view = share === 1 ? flight.to : between(flight.from, flight.to, eased(share));
      if (share === 1) flight = null;
      return true;
    },
    isFlying: () => flight !== null,
    // The canvas has another size, or the map (its bounds being `box`) another layout.
    resized(box) {
      const before = whole;
      whole = fitted(box, frame());
      view = moved ? kept({ ...view, scale: (view.scale * whole.scale) / before.scale }, frame()) : whole;
    },
    rearranged(box) {
      whole = fitted(box, frame());
      if (!moved) fly(whole);
    },
    pan: (dx, dy) => lookAt({ ...view, x: view.x + dx, y: view.y + dy }),
    zoom(factor, at, options) {
      const from = options?.soon ? goal() : view;
      lookAt(zoomed(from, factor, at, [whole.scale * LEAST_ZOOM, whole.scale * MOST_ZOOM]), options);
    },
    fit: () => look(whole, { soon: true }),
    // Flies to where all of a box is seen.
    show: (box) => lookAt(fitted(box, frame(), whole.scale * CLOSEST), { soon: true }),
    // Moves the view just so far that a place {x, y} of the map is well inside.
    reveal(place) {
      const { scale, x, y } = goal();
      const { left, top, right, bottom } = frame();
      const by = (value, low, high) => {
        if (value < low + MARGIN) return low + 2 * MARGIN - value;
        return value > high - MARGIN ? high - 2 * MARGIN - value : 0;
      };
      const dx = by(x + place.x * scale, left, right);
      const dy = by(y + place.y * scale, top, bottom);
      if (dx || dy) lookAt({ scale, x: x + dx, y: y + dy }, { soon: true });
    },
    middle() {
      const { left, top, right, bottom } = frame();
      return { x: (left + right) / 2, y: (top + bottom) / 2 };
    },
  };
}
