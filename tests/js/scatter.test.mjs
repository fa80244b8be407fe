import assert from "node:assert/strict";
import test from "node:test";
import {
  between,
  blendWeights,
  boundsOf,
  createIndex,
  fitted,
  inside,
  kept,
  neighbour,
  progress,
  toPlace,
  toScreen,
  tour,
  zoomed,
} from "../../webapp/static/map/scatter.js";

// Points that no rule laid out, the same in every run.
function scattered(count) {
  let state = 7;
  const next = () => (state = (state * 16807) % 2147483647) / 2147483647;
  return Float32Array.from({ length: 2 * count }, () => next() ** 2);
}
const all = (count) => new Uint8Array(count).fill(1);
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-5, `${a} is not ${b}`);

test("the nearest points are those that looking at every one finds, nearest first", () => {
  const places = scattered(500);
  const lit = all(500).map((_, point) => Number(point % 3 > 0));
  const index = createIndex(places);
  for (const [x, y] of [
    [0.5, 0.5],
    [0, 0],
    [0.98, 0.9],
    [-0.3, 0.4],
    [1.4, 1.7],
    [0.1, 0.02],
  ]) {
    const away = (point) => Math.hypot(places[2 * point] - x, places[2 * point + 1] - y);
    const wanted = [...lit.keys()].filter((point) => lit[point]).sort((a, b) => away(a) - away(b));
    assert.deepEqual(
      index.nearest(x, y, 5, lit).map(({ point }) => point),
      wanted.slice(0, 5),
    );
    const within = index.nearest(x, y, 50, lit, 0.1);
    assert.deepEqual(
      within.map(({ point }) => point),
      wanted.filter((point) => away(point) <= 0.1).slice(0, 50),
    );
  }
  assert.deepEqual(index.nearest(0.5, 0.5, 3, new Uint8Array(500)), []);
});

test("weights sum to one, grow with nearness, and one that comes in from afar comes in silently", () => {
  const weights = blendWeights([0.1, 0.2, 0.3, 0.4]);
  assert.equal(weights.length, 3);
  near(
    weights.reduce((sum, weight) => sum + weight),
    1,
  );
  assert.ok(weights[0] > weights[1] && weights[1] > weights[2]);
  assert.ok(blendWeights([0.1, 0.2, 0.39999, 0.4])[2] < 1e-6);
  assert.deepEqual(blendWeights([0, 0.2, 0.3]), [1]);
  assert.deepEqual(blendWeights([0.3]), [1]);
  assert.deepEqual(blendWeights([0.3, 0.3, 0.3]), [0.5, 0.5]);
});

test("a morph is at its start on the start, at its end on the goal, and in between on the way", () => {
  const [start, goal] = [
    { x: 0, y: 0 },
    { x: 100, y: 0 },
  ];
  assert.equal(progress(start, start, goal), 0);
  assert.equal(progress(start, goal, goal), 1);
  let before = 0;
  for (let x = 10; x < 100; x += 10) {
    const share = progress(start, { x, y: 0 }, goal);
    assert.ok(share > before && share < 1);
    before = share;
  }
  assert.equal(progress(start, start, goal, 60), 0);
  assert.ok(progress(start, goal, goal, 60) < 1);
});

test("a lasso holds what lies inside it, also where it is hollow, and bright points only", () => {
  const places = Float32Array.from([0.1, 0.1, 0.5, 0.5, 0.9, 0.1, 0.5, 0.9]);
  const angle = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0.8, 1],
    [0.8, 0.2],
    [0, 0.2],
  ];
  assert.deepEqual(inside(places, angle, all(4)), [0, 2]);
  assert.deepEqual(inside(places, angle, Uint8Array.of(0, 1, 1, 1)), [2]);
  assert.deepEqual(
    inside(
      places,
      [
        [0, 0],
        [1, 1],
      ],
      all(4),
    ),
    [],
  );
});

test("an arrow key goes to the nearest point on its side", () => {
  const places = Float32Array.from([0.5, 0.5, 0.6, 0.52, 0.9, 0.5, 0.5, 0.4, 0.52, 0.9]);
  assert.equal(neighbour(places, 0, 1, 0, all(5)), 1);
  assert.equal(neighbour(places, 0, 0, -1, all(5)), 3);
  assert.equal(neighbour(places, 0, 0, 1, all(5)), 4);
  assert.equal(neighbour(places, 0, -1, 0, all(5)), null);
  assert.equal(neighbour(places, 0, 1, 0, Uint8Array.of(1, 0, 1, 1, 1)), 2);
});

test("a tour visits each once and does not leap about", () => {
  const places = Float32Array.from([0.9, 0, 0.1, 0, 0.5, 0, 0.3, 0, 0.7, 0]);
  assert.deepEqual(tour(places, [0, 1, 2, 3, 4]), [1, 3, 2, 4, 0]);
  assert.deepEqual(tour(places, []), []);
});

test("the view fits the frame, keeps the place under the pointer while zooming, and goes back and forth", () => {
  const frame = { left: 100, top: 0, right: 500, bottom: 300 };
  const view = fitted(boundsOf(Float32Array.from([0.2, 0.3, 0.8, 0.7]), [0, 1]), frame);
  const corner = toScreen(view, 0.2, 0.3);
  near(corner.x, 100);
  assert.ok(corner.y >= 0 && toScreen(view, 0.8, 0.7).y <= 300);
  const at = { x: 321, y: 123 };
  const before = toPlace(view, at.x, at.y);
  const after = toPlace(zoomed(view, 2.5, at, [1, 1e6]), at.x, at.y);
  near(before.x, after.x);
  near(before.y, after.y);
  assert.equal(zoomed(view, 1e9, at, [1, 5000]).scale, 5000);
  near(between(view, zoomed(view, 4, at, [1, 1e6]), 0.5).scale, 2 * view.scale);
  assert.deepEqual(between(view, { ...view, x: 7 }, 1), { ...view, x: 7 });
  const far = kept({ scale: 400, x: -9e5, y: 9e5 }, frame);
  assert.ok(toScreen(far, 1, 0).x >= 100 && toScreen(far, 0, 0).y <= 300);
});
