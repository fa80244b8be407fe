import assert from "node:assert/strict";
import test from "node:test";
import { keyframesOf, pathAt, pathOf } from "../../webapp/static/document/path.js";

const close = (a, b, within = 1e-3) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);
// A hand that goes right for a second, rests for two, then goes down for one.
const drawn = Array.from({ length: 401 }, (_, step) => {
  const seconds = step / 100;
  return [5000 + seconds * 1000, Math.min(1, seconds), Math.max(0, seconds - 3)];
});

test("a path keeps where the hand was, and when, in few points", () => {
  const path = pathOf(drawn);
  assert.deepEqual(path, [
    [0, 0, 0],
    [0.25, 1, 0],
    [0.75, 1, 0],
    [1, 1, 1],
  ]);
  for (const [time, x, y] of drawn) {
    const [px, py] = pathAt(path, (time - 5000) / 4000);
    close(px, x);
    close(py, y);
  }
});

test("a scribble has a bounded number of points that rise in time", () => {
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const path = pathOf(Array.from({ length: 3000 }, (_, step) => [Math.floor(step / 2) * 16, random(), random()]));
  assert.ok(path.length <= 120);
  assert.deepEqual([path[0][0], path.at(-1)[0]], [0, 1]);
  for (let index = 1; index < path.length; index++) assert.ok(path[index][0] > path[index - 1][0]);
});

test("what went nowhere or took no time is no path", () => {
  for (const recorded of [
    [],
    [[0, 0.5, 0.5]],
    [
      [0, 0.5, 0.5],
      [900, 0.5, 0.5],
    ],
    [
      [7, 0, 0],
      [7, 1, 1],
    ],
  ])
    assert.equal(pathOf(recorded), null);
});

test("keyframes follow the movement and leave rests alone", () => {
  const frames = keyframesOf(pathOf(drawn));
  assert.deepEqual(frames[0], { at: 0, x: 0, y: 0 });
  assert.deepEqual(frames.at(-1), { at: 1, x: 1, y: 1 });
  assert.ok(frames.length <= 24);
  for (let index = 1; index < frames.length; index++) assert.ok(frames[index].at > frames[index - 1].at);
  assert.ok(frames.filter(({ at }) => at > 0.28 && at < 0.72).length <= 2);
  for (const { at, x, y } of frames) pathAt(pathOf(drawn), at).forEach((value, axis) => close(value, [x, y][axis]));
  assert.equal(
    keyframesOf([
      [0, 0, 0],
      [1, 0.01, 0],
    ]).length,
    2,
  );
  assert.equal(
    keyframesOf([
      [0, 0, 0],
      [0.3, 1, 1],
      [0.6, 0, 0],
      [1, 1, 1],
    ]).length,
    24,
  );
});
