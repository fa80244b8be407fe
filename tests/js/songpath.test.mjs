import assert from "node:assert/strict";
import test from "node:test";

import { progressText } from "../../webapp/static/server/jobs.js";
import {
  MOST_STOPS,
  nextPlace,
  pathOf,
  recallStops,
  spread,
  timeText,
  withStop,
} from "../../webapp/static/document/songpath.js";

const sound = (seed) => ({ instruments: { violin: 1 }, seed });
const model = {
  families: [{ title: "Strings", instruments: [{ name: "violin", title: "Violin" }] }],
  latentSize: 4,
  directions: [],
};
const stopsAt = (...places) =>
  places.reduce((stops, at, index) => withStop(stops, { sound: sound(index), name: `${index}` }, at), []);

test("stops go to the begin, the end, and then into the widest gap", () => {
  let stops = [];
  for (const expected of [0, 1, 0.5, 0.25, 0.75]) {
    assert.equal(nextPlace(stops), expected);
    stops = withStop(stops, { sound: sound(1), name: "x" });
  }
  assert.equal(nextPlace(stopsAt(0.5, 1)), 0);
});

test("a path has so many stops and no more, each with an id of its own", () => {
  let stops = [];
  for (let count = 0; count < MOST_STOPS + 3; count++) stops = withStop(stops, { sound: sound(1), name: "x" });
  assert.equal(stops.length, MOST_STOPS);
  assert.equal(new Set(stops.map(({ id }) => id)).size, MOST_STOPS);
});

test("what is sent rises strictly within 0 to 1, whatever was dragged where", () => {
  for (const places of [
    [0, 0, 0],
    [1, 1, 1],
    [0.3, 0.1, 0.3],
    [1, 0],
    [0.9999, 1, 1, 0.9999],
  ]) {
    const path = pathOf(stopsAt(...places));
    assert.ok(
      path.every(({ at }, index) => at >= 0 && at <= 1 && (index === 0 || at > path[index - 1].at)),
      `${places}`,
    );
  }
  assert.deepEqual(
    pathOf(stopsAt(1, 0)).map((stop) => stop.sound.seed),
    [1, 0],
  );
  assert.deepEqual(
    pathOf(stopsAt(0, 0.25, 1)).map(({ at }) => at),
    [0, 0.25, 1],
  );
});

test("spreading keeps the order", () => {
  assert.deepEqual(
    spread(stopsAt(0.9, 0.1, 0.2)).map(({ name, at }) => [name, at]),
    [
      ["1", 0],
      ["2", 0.5],
      ["0", 1],
    ],
  );
  assert.equal(spread(stopsAt(0.7))[0].at, 0);
});

test("stored stops come back, and nothing that the model cannot play", () => {
  const stops = stopsAt(0, 1);
  assert.deepEqual(recallStops(JSON.stringify(stops), model), stops);
  const bad = [
    { sound: { instruments: { tuba: 1 }, seed: 1 }, name: "x", at: 0 },
    { sound: sound(1), name: 5, at: 0 },
    null,
    { sound: sound(1), name: "x", at: "0" },
  ];
  assert.deepEqual(recallStops(JSON.stringify(bad), model), []);
  for (const text of [null, "{", "5"]) assert.deepEqual(recallStops(text, model), []);
});

test("times and progress read well", () => {
  assert.deepEqual([0, 59.9, 60, 754].map(timeText), ["0:00", "0:59", "1:00", "12:34"]);
  assert.equal(progressText({ state: "waiting", done: 0, total: 0, left: null }), "Waiting for its turn …");
  assert.equal(progressText({ state: "running", done: 0, total: 0, left: null }), "Starting …");
  assert.equal(progressText({ state: "running", done: 1, total: 3, left: null }), "33 %");
  assert.equal(progressText({ state: "running", done: 1, total: 3, left: 12.2 }), "33 %, 13 s left");
  assert.equal(progressText({ state: "running", done: 1, total: 3, left: 200 }), "33 %, 3 min left");
});
