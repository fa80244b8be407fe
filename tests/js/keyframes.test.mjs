import assert from "node:assert/strict";
import test from "node:test";
import { between, createKeyframes, gridPlaces, levelled, neighbours } from "../../webapp/static/audio/keyframes.js";

const close = (a, b, within = 1e-9) => assert.ok(Math.abs(a - b) < within, `${a} is not ${b}`);

test("keyframes come in the order in which a hand needs them", () => {
  assert.deepEqual(gridPlaces([0.9], 2).flat(), [1, 0.75, 0, 0.5, 0.25]);
  assert.deepEqual(gridPlaces([0.5], 2).flat(), [0.5, 0, 1, 0.25, 0.75]);
  const pad = gridPlaces([0.1, 0.9], 1);
  assert.equal(pad.length, 9);
  assert.deepEqual(pad.slice(0, 4).map(String).sort(), ["0,0", "0,1", "1,0", "1,1"]);
  assert.deepEqual(pad[0], [0, 1]);
});

test("of the places that are there the two beside a place share it at equal power", () => {
  const places = [[0.75], [0], [0.5], [1]];
  const parts = between([0.6], places);
  assert.deepEqual(
    parts.map(({ at }) => at[0]),
    [0.5, 0.75],
  );
  close(
    parts.reduce((sum, { share }) => sum + share ** 2, 0),
    1,
  );
  close(parts[1].share, Math.sin(0.4 * (Math.PI / 2)));
  assert.deepEqual(between([0.5], places), [{ at: [0.5], share: 1 }]);
  assert.deepEqual(between([0.4], [[0.5], [1]]), []);
});

test("the neighbours of a place share it at equal power, and a keyframe has itself alone", () => {
  for (const place of [[0.37], [0.13, 0.71], [0.5, 0.2], [1, 1], [0]]) {
    for (const level of [0, 1, 3]) {
      const parts = neighbours(place, level);
      close(
        parts.reduce((sum, { share }) => sum + share ** 2, 0),
        1,
      );
      for (const { at } of parts) at.forEach((value, axis) => assert.ok(Math.abs(value - place[axis]) <= 0.5 ** level));
    }
  }
  assert.deepEqual(
    neighbours([1, 0.5], 1).map(({ at }) => at),
    [[1, 0.5]],
  );
  assert.equal(neighbours([0.3, 0.3], 1).length, 4);
});

const wave = (hz, phase = 0) =>
  Int16Array.from({ length: 24000 }, (_, i) => 9000 * Math.sin((2 * Math.PI * hz * i) / 24000 + phase));
const power = (parts) => {
  let sum = 0;
  for (let i = 0; i < 24000; i++)
    sum += parts.reduce((value, { samples, share }) => value + share * samples[i], 0) ** 2;
  return sum / 24000 / 9000 ** 2 / 0.5;
};

test("a mixture is as loud as its parts, whether they are alike or not", () => {
  const half = Math.SQRT1_2;
  for (const other of [wave(440), wave(440, 0.8), wave(660)]) {
    close(
      power(
        levelled([
          { samples: wave(440), share: half },
          { samples: other, share: half },
        ]),
      ),
      1,
      0.06,
    );
  }
  assert.equal(levelled([{ samples: wave(440), share: 1 }])[0].share, 1);
  const opposite = levelled([
    { samples: wave(440), share: half },
    { samples: wave(440, Math.PI), share: half },
  ]);
  assert.ok(opposite.every(({ share }) => share <= 1.5 * half + 1e-9));
  const silent = new Int16Array(24000);
  close(
    levelled([
      { samples: silent, share: half },
      { samples: silent, share: half },
    ])[0].share,
    half,
  );
});

test("what is near is heard from what is here on either side", async () => {
  const ready = new Set();
  const requests = [];
  const frames = createKeyframes({
    levels: 2,
    soundAt: ([t]) => t,
    isReady: (sound) => ready.has(sound),
    prepare: async (sounds) => {
      requests.push(sounds);
      sounds.forEach((sound) => ready.add(sound));
    },
  });
  assert.equal(frames.near([0.3]), null);
  ready.add(0);
  ready.add(1);
  assert.deepEqual(
    frames.near([0.3]).map(({ sound }) => sound),
    [0, 1],
  );
  await frames.fetch([0], [[0.4]]);
  assert.deepEqual(requests.flat().sort(), [0.25, 0.5, 0.75]);
  ready.add(0.4); // beside the grid
  assert.deepEqual(
    frames.near([0.3]).map(({ sound }) => sound),
    [0.25, 0.4],
  );
  ready.delete(0.4);
  assert.deepEqual(
    frames.near([0.3]).map(({ sound }) => sound),
    [0.25, 0.5],
  );
  requests.length = 0;
  await frames.fetch([0.5]);
  assert.deepEqual(requests, []); // all is there: nothing is asked for
});

test("on the pad they are of the finest grid that is here", () => {
  const ready = new Set(["0,0", "1,0", "0,1", "1,1", "0,0.5", "0.5,0"]);
  const frames = createKeyframes({ levels: 1, soundAt: String, isReady: (sound) => ready.has(sound) });
  assert.deepEqual(
    frames
      .near([0.2, 0.3])
      .map(({ sound }) => sound)
      .sort(),
    ["0,0", "0,1", "1,0", "1,1"],
  );
  ready.add("0.5,0.5");
  assert.deepEqual(
    frames
      .near([0.2, 0.3])
      .map(({ sound }) => sound)
      .sort(),
    ["0,0", "0,0.5", "0.5,0", "0.5,0.5"],
  );
});

test("keyframes that nobody waits for any more are not fetched", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  for (const stop of [(frames) => frames.forget(), (frames) => frames.rest([0])]) {
    const requests = [];
    let answer;
    const frames = createKeyframes({
      levels: 3,
      soundAt: ([t]) => t,
      isReady: () => false,
      prepare: (sounds) => new Promise((resolve) => (requests.push(sounds), (answer = resolve))),
    });
    const fetching = frames.fetch([0]);
    stop(frames);
    answer();
    await fetching;
    assert.equal(requests.length, 1);
  }
});

test("at rest the keyframes are fetched once nobody plays", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const requests = [];
  let quiet = false;
  const frames = createKeyframes({
    levels: 1,
    soundAt: ([t]) => t,
    isReady: () => false,
    prepare: async (sounds) => requests.push(sounds),
    isQuiet: () => quiet,
  });
  frames.rest([0.2]);
  frames.rest([0]);
  context.mock.timers.tick(2000);
  assert.equal(requests.length, 0);
  quiet = true;
  context.mock.timers.tick(2000);
  await Promise.resolve(); // the requests come one after the other
  assert.deepEqual(requests.flat(), [0, 1, 0.5]);
});
