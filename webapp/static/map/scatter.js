// Geometry of points scattered over the unit square: which are near, what a lasso holds, how a screen shows the square.
// Places are Float32Array x0, y0, x1, y1 ...; `lit` is a Uint8Array of flags, and only points whose flag is set are found.

const ON_POINT = 1e-6; // a place this near to a point is the point itself

// Finds neighbours by a grid of about two points per cell: nearest(x, y, k, lit, within) is [{point, distance}], nearest first.
export function createIndex(places) {
  const count = places.length / 2;
  const side = Math.max(1, Math.round(Math.sqrt(count / 2)));
  const cell = (value) => Math.min(side - 1, Math.max(0, Math.floor(value * side)));
  const starts = new Uint32Array(side * side + 1);
  const cellOf = new Uint32Array(count);
  for (let point = 0; point < count; point++) {
    cellOf[point] = cell(places[2 * point + 1]) * side + cell(places[2 * point]);
    starts[cellOf[point] + 1]++;
  }
  for (let at = 0; at < side * side; at++) starts[at + 1] += starts[at];
  const members = new Uint32Array(count);
  const next = starts.slice();
  for (let point = 0; point < count; point++) members[next[cellOf[point]]++] = point;

  // The distance around (x, y) that is fully searched once the cells up to `ring` away from its own have been.
  function known(x, y, column, row, ring) {
    const left = column - ring > 0 ? x - (column - ring) / side : Infinity;
    const right = column + ring + 1 < side ? (column + ring + 1) / side - x : Infinity;
    const above = row - ring > 0 ? y - (row - ring) / side : Infinity;
    const below = row + ring + 1 < side ? (row + ring + 1) / side - y : Infinity;
    return Math.min(left, right, above, below);
  }

  function nearest(x, y, k, lit, within = Infinity) {
    const found = [];
    const column = cell(x);
    const row = cell(y);
    for (let ring = 0; ring < side; ring++) {
      for (let at = Math.max(0, row - ring); at <= Math.min(side - 1, row + ring); at++) {
        const whole = Math.abs(at - row) === ring;
        for (let across = column - ring; across <= column + ring; across += whole || ring === 0 ? 1 : 2 * ring) {
          if (across < 0 || across >= side) continue;
          for (let member = starts[at * side + across]; member < starts[at * side + across + 1]; member++) {
            const point = members[member];
            if (!lit[point]) continue;
            const distance = Math.hypot(places[2 * point] - x, places[2 * point + 1] - y);
            if (distance > within || (found.length === k && distance >= found[k - 1].distance)) continue;
            let place = found.length;
            while (place > 0 && found[place - 1].distance > distance) place--;
            found.splice(place, 0, { point, distance });
            if (found.length > k) found.pop();
          }
        }
      }
      const sure = known(x, y, column, row, ring);
      if (sure > within || (found.length === k && found[k - 1].distance <= sure)) break;
    }
    return found;
  }
  return { nearest };
}

// Shares, summing to 1, of the nearest points in the sound of a place, by inverse distance squared with a reach that ends
// at the farthest of them (Franke and Little's form of Shepard's weights): that one has no share of its own, so that a
// point comes into the blend and leaves it without a jump. On a point it is that point alone.
export function blendWeights(distances) {
  if (distances.length < 2 || distances[0] < ON_POINT) return [1];
  const reach = distances.at(-1);
  const pulls = distances.slice(0, -1).map((distance) => ((reach - distance) / (reach * distance)) ** 2);
  const whole = pulls.reduce((sum, pull) => sum + pull, 0);
  return whole > 0 ? pulls.map((pull) => pull / whole) : pulls.map(() => 1 / pulls.length);
}

// How far a hand at `at` has come from `start` to `goal`, {x, y} in any unit: 0 on the start, 1 on the goal. What is left
// to the goal counts three times, so that the way there is heard and not only its end; a hand still moving has `ahead`
// more to go, wherever it is.
export function progress(start, at, goal, ahead = 0) {
  const come = Math.hypot(at.x - start.x, at.y - start.y);
  const missing = Math.hypot(goal.x - at.x, goal.y - at.y);
  return come === 0 ? 0 : come / (come + 3 * missing + ahead);
}

// The lit points inside a polygon [[x, y] ...], by the even-odd rule.
export function inside(places, polygon, lit) {
  const found = [];
  if (polygon.length < 3) return found;
  const [left, right] = [0, 1].map((end) => Math[end ? "max" : "min"](...polygon.map(([x]) => x)));
  for (let point = 0; point < lit.length; point++) {
    const x = places[2 * point];
    const y = places[2 * point + 1];
    if (!lit[point] || x < left || x > right) continue;
    let within = false;
    for (let at = 0, before = polygon.length - 1; at < polygon.length; before = at++) {
      const [x0, y0] = polygon[before];
      const [x1, y1] = polygon[at];
      if (y0 > y !== y1 > y && x < ((x1 - x0) * (y - y0)) / (y1 - y0) + x0) within = !within;
    }
    if (within) found.push(point);
  }
  return found;
}

// The lit point to go to from `from` by an arrow key of direction (dx, dy): the nearest within 45 degrees, straight ones
// preferred; null if there is none.
export function neighbour(places, from, dx, dy, lit) {
  let best = null;
  let least = Infinity;
  for (let point = 0; point < lit.length; point++) {
    if (!lit[point] || point === from) continue;
    const x = places[2 * point] - places[2 * from];
    const y = places[2 * point + 1] - places[2 * from + 1];
    const along = x * dx + y * dy;
    const across = Math.abs(x * dy - y * dx);
    if (along <= 0 || across > along || along + 2 * across >= least) continue;
    least = along + 2 * across;
    best = point;
  }
  return best;
}

// A way through points without leaps: from the leftmost one, always on to the nearest of those left.
export function tour(places, points) {
  const left = new Set(points);
  const way = [];
  let at = points.reduce((first, point) => (places[2 * point] < places[2 * first] ? point : first), points[0]);
  while (left.size) {
    way.push(at);
    left.delete(at);
    let least = Infinity;
    let next = at;
    for (const point of left) {
      const distance = Math.hypot(places[2 * point] - places[2 * at], places[2 * point + 1] - places[2 * at + 1]);
      if (distance < least) [least, next] = [distance, point];
    }
    at = next;
  }
  return way;
}

// --- A view of the square: {scale, x, y}, pixels per unit and where the corner (0, 0) lies ---

export const toScreen = (view, x, y) => ({ x: view.x + x * view.scale, y: view.y + y * view.scale });
export const toPlace = (view, x, y) => ({ x: (x - view.x) / view.scale, y: (y - view.y) / view.scale });

// The smallest box {left, top, right, bottom} that holds the given points of `places`.
export function boundsOf(places, points) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const point of points) {
    box.left = Math.min(box.left, places[2 * point]);
    box.right = Math.max(box.right, places[2 * point]);
    box.top = Math.min(box.top, places[2 * point + 1]);
    box.bottom = Math.max(box.bottom, places[2 * point + 1]);
  }
  return box;
}

// The view that shows a box as large as fits within `frame` {left, top, right, bottom} in pixels.
export function fitted(box, frame, most = Infinity) {
  const extent = (low, high) => Math.max(high - low, 1e-6);
  const scale = Math.min(
    (frame.right - frame.left) / extent(box.left, box.right),
    (frame.bottom - frame.top) / extent(box.top, box.bottom),
    most,
  );
  return {
    scale,
    x: (frame.left + frame.right) / 2 - (scale * (box.left + box.right)) / 2,
    y: (frame.top + frame.bottom) / 2 - (scale * (box.top + box.bottom)) / 2,
  };
}

// The view magnified by `factor` about a place of the screen, its scale kept within [least, most].
export function zoomed(view, factor, at, [least, most]) {
  const scale = Math.min(most, Math.max(least, view.scale * factor));
  const by = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by };
}

// The view moved back so that some of the square stays around the middle of the frame.
export function kept(view, frame) {
  const hold = (corner, low, high) => Math.min((low + high) / 2, Math.max((low + high) / 2 - view.scale, corner));
  return { ...view, x: hold(view.x, frame.left, frame.right), y: hold(view.y, frame.top, frame.bottom) };
}

// The view at `share` of the way from one to another: the scale grows evenly to the eye.
export function between(from, to, share) {
  const scale = from.scale * (to.scale / from.scale) ** share;
  const way = from.scale === to.scale ? share : (scale - from.scale) / (to.scale - from.scale);
  return { scale, x: from.x + (to.x - from.x) * way, y: from.y + (to.y - from.y) * way };
}
