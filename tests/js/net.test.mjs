import assert from "node:assert/strict";
import test from "node:test";
import { createFetcher, keyBlocks, nextBlock } from "../../webapp/static/server/fetcher.js";
import { createLatest, createNewest, persist, retryAfter, whileRetrying } from "../../webapp/static/server/net.js";
import { createNoteCache } from "../../webapp/static/server/notes.js";

const BLOCKS = keyBlocks(36, 84, 12);
const settle = () => new Promise((resolve) => setImmediate(resolve));

// A fetcher whose answers come when the test says so.
function bench() {
  const calls = [];
  const loaded = [];
  const there = new Set();
  const states = [];
  const timers = [];
  let flying = 0;
  let most = 0;
  const fetcher = createFetcher({
    blocks: BLOCKS,
    fetchBlock: (sound, block, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => (flying--, reject(signal.reason)));
        most = Math.max(most, ++flying);
        const landing = (land) => async (value) => {
          flying--;
          land(value);
          await settle();
        };
        calls.push({ sound, low: block.low, answer: landing(resolve), fail: landing(reject) });
      }),
    has: (sound, pitch) => there.has(`${sound} ${pitch}`),
    onBlock: (sound, { low, high }, data) => {
      for (let pitch = low; pitch <= high; pitch++) there.add(`${sound} ${pitch}`);
      loaded.push([sound, low, data]);
    },
    onState: (state) => states.push(state),
    later: (resume, delay) => timers.push({ resume, delay }) && timers.length,
  });
  return { fetcher, calls, loaded, states, timers, most: () => most };
}

test("blocks from the lowest key on, a single key left over with the last", () => {
  assert.deepEqual(BLOCKS, [
    { low: 36, high: 47 },
    { low: 48, high: 59 },
    { low: 60, high: 71 },
    { low: 72, high: 84 },
  ]);
});

test("a hand does not wait for neighbours: they are called off, and asked for again", async () => {
  const { fetcher, calls, states, most } = bench();
  fetcher.setFocus(60);
  fetcher.setSound("a");
  await calls[0].answer(); // the note under the hand; now its octave is on its way
  fetcher.want(65); // a key of that octave: it is coming
  fetcher.want(40);
  await settle();
  assert.deepEqual(calls.map(({ sound, low }) => [sound, low]).at(-1), ["a", 36]);
  assert.equal(calls.length, 3);
  await calls[2].answer();
  await calls[3].answer(); // the other key that waited
  fetcher.setSound("b"); // the octave of a is no longer wanted, and b's note under the hand is
  await settle();
  assert.deepEqual(calls.map(({ sound, low }) => [sound, low]).at(-1), ["b", 40]);
  assert.equal(most(), 1);
  assert.ok(states.every(({ error }) => error === null));
});

// What there is, as pitches; and the keys that wait.
const place = ({ there = [], ...changes } = {}) => {
  const have = new Set(there);
  return { have, has: (pitch) => have.has(pitch), wanted: new Set(), focus: 62, ...changes };
};

test("the note in focus first, then its octave, then the others outwards", () => {
  assert.deepEqual(nextBlock(BLOCKS, place()), { low: 62, high: 62 });
  const order = [];
  const at = place({ there: [62] });
  for (let block; (block = nextBlock(BLOCKS, at));) {
    order.push(block.low);
    for (let pitch = block.low; pitch <= block.high; pitch++) at.have.add(pitch);
  }
  assert.deepEqual(order, [60, 48, 72, 36]);
});

test("a waiting key comes alone before all else, a waiting chord with its octave", () => {
  assert.deepEqual(nextBlock(BLOCKS, place({ wanted: new Set([40]) })), { low: 40, high: 40 });
  assert.deepEqual(nextBlock(BLOCKS, place({ wanted: new Set([40, 44]) })), { low: 36, high: 47 });
  assert.deepEqual(nextBlock(BLOCKS, place({ wanted: new Set([40]), there: [40], focus: 40 })), { low: 36, high: 47 });
});

test("while the sound is dragged only single keys are asked for", () => {
  assert.deepEqual(nextBlock(BLOCKS, place({ alone: true })), { low: 62, high: 62 });
  assert.deepEqual(nextBlock(BLOCKS, place({ alone: true, wanted: new Set([40, 44]) })), { low: 40, high: 40 });
  assert.equal(nextBlock(BLOCKS, place({ alone: true, there: [62] })), null);
});

test("one request at a time until the whole keyboard is there", async () => {
  const { fetcher, calls, loaded, states, most } = bench();
  fetcher.setFocus(60);
  fetcher.setSound("a");
  for (let index = 0; index < 5; index++) await calls[index].answer(index);
  assert.equal(most(), 1);
  assert.deepEqual(
    loaded.map(([, low]) => low),
    [60, 60, 48, 72, 36],
  );
  assert.equal(calls.length, 5);
  assert.deepEqual(states.at(-1), { busy: false, error: null });
});

test("of many sounds in a drag only the newest is asked for, and every answer names its sound", async () => {
  const { fetcher, calls, loaded } = bench();
  fetcher.setFocus(60);
  for (const sound of ["a", "b", "c", "d"]) fetcher.setSound(sound);
  assert.deepEqual(
    calls.map(({ sound }) => sound),
    ["a"],
  );
  await calls[0].answer("old");
  assert.deepEqual(
    calls.map(({ sound }) => sound),
    ["a", "d"],
  );
  await calls[1].answer("new");
  assert.deepEqual(loaded, [
    ["a", 60, "old"],
    ["d", 60, "new"],
  ]);
});

test("what was fetched before is not fetched again", async () => {
  const { fetcher, calls } = bench();
  fetcher.setFocus(60);
  fetcher.setSound("a");
  for (let index = 0; index < 5; index++) await calls[index].answer();
  fetcher.setSound("b");
  await calls[5].answer();
  fetcher.setSound("a");
  await calls[6].answer();
  assert.deepEqual(
    calls.map(({ sound }) => sound),
    ["a", "a", "a", "a", "a", "b", "b"],
  );
});

test("the cache forgets the sounds least recently used, whole", () => {
  const cache = createNoteCache(4);
  for (const [sound, pitch] of [
    ["a", 60],
    ["a", 61],
    ["b", 60],
    ["c", 60],
  ])
    cache.put(sound, pitch, `${sound}${pitch}`);
  assert.equal(cache.get("a", 61), "a61"); // now a is the newest
  cache.put("d", 60, "d60");
  assert.equal(cache.has("b", 60), false);
  assert.equal(cache.get("a", 60), "a60");
  assert.equal(cache.size, 4);
});

test("of many wishes only the newest is done and told", async () => {
  const started = [];
  const done = [];
  const finish = [];
  const latest = createLatest(
    (what) => {
      started.push(what);
      return new Promise((resolve) => finish.push(resolve));
    },
    (result, what) => done.push([what, result]),
  );
  for (const what of ["a", "b", "c"]) latest.ask(what);
  assert.deepEqual(started, ["a"]);
  finish[0]("A");
  await settle();
  assert.deepEqual(started, ["a", "c"]);
  finish[1]("C");
  await settle();
  assert.deepEqual(done, [["c", "C"]]);
  latest.ask("d");
  latest.forget();
  finish[2]("D");
  await settle();
  assert.equal(done.length, 1);
});

test("what is given up for something newer is told so, and is not heard of again", async () => {
  const signals = [];
  const finish = [];
  const done = [];
  const newest = createNewest(
    (what, signal) => new Promise((resolve, reject) => (signals.push(signal), finish.push({ resolve, reject }))),
    (result) => done.push(result),
    (error) => done.push(error.message),
  );
  for (const what of ["a", "b"]) newest.ask(what);
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true, false],
  );
  finish[0].reject(new Error("aborted"));
  finish[1].resolve("B");
  await settle();
  assert.deepEqual(done, ["B"]);
  newest.ask("c");
  newest.forget();
  assert.ok(signals[2].aborted);
  finish[2].resolve("C");
  newest.ask("d");
  finish[3].reject(new Error("refused"));
  await settle();
  assert.deepEqual(done, ["B", "refused"]);
});

test("a key pressed before its octave is there goes to the front", async () => {
  const { fetcher, calls } = bench();
  fetcher.setFocus(60);
  fetcher.setSound("a");
  fetcher.want(40);
  await calls[0].answer();
  assert.equal(calls[1].low, 40);
  await calls[1].answer();
  assert.equal(calls[2].low, 36);
});

test("a busy or absent server is asked again later, a refusal is not until something changes", async () => {
  const { fetcher, calls, states, timers } = bench();
  fetcher.setSound("a");
  await calls[0].fail(Object.assign(new Error("busy"), { status: 503 }));
  assert.equal(states.at(-1).error.message, "busy");
  assert.equal(timers.length, 1);
  assert.ok(!fetcher.isIdle());
  timers[0].resume();
  await calls[1].fail(Object.assign(new Error("no such thing"), { status: 400 }));
  assert.equal(timers.length, 1);
  assert.equal(calls.length, 2);
  assert.ok(fetcher.isIdle());
  fetcher.setSound("b");
  assert.equal(calls.length, 3);
  assert.equal(retryAfter(new Error("offline")), 2000);
});

test("the failure of a sound nobody wants any more is not reported", async () => {
  const { fetcher, calls, states } = bench();
  fetcher.setSound("a");
  fetcher.setSound("b");
  await calls[0].fail(Object.assign(new Error("bad"), { status: 400 }));
  assert.ok(states.every(({ error }) => error === null));
  assert.equal(calls[1].sound, "b");
});

const busy = () => Object.assign(new Error("Busy."), { status: 503 });
const refused = () => Object.assign(new Error("No such note."), { status: 400 });
const dropped = () => Object.assign(new Error("Aborted."), { name: "AbortError" });

test("only what is asked for again says so", () => {
  assert.equal(whileRetrying(busy()), "Busy. Trying again.");
  assert.equal(whileRetrying(refused()), "No such note.");
  assert.equal(whileRetrying(dropped()), "Aborted.");
});

test("a failure that may pass is tried again, a few times, and any other is not", async () => {
  const delays = [];
  const later = (resume, delay) => delays.push(delay) && resume();
  const attempts =
    (...outcomes) =>
    async () => {
      const outcome = outcomes.shift();
      if (outcome instanceof Error) throw outcome;
      return outcome;
    };
  const heard = [];
  const onRetry = (error) => heard.push(error.message);
  assert.equal(await persist(attempts(new Error("gone"), busy(), "note"), { onRetry, later }), "note");
  assert.deepEqual(delays, [2000, 700]);
  assert.deepEqual(heard, ["gone", "Busy."]);
  await assert.rejects(persist(attempts(busy(), busy(), "note"), { onRetry, later, tries: 2 }), /Busy/);
  await assert.rejects(persist(attempts(refused(), "note"), { onRetry, later }), /No such note/);
  await assert.rejects(persist(attempts(dropped(), "note"), { onRetry, later }), /Aborted/);
  assert.equal(heard.length, 3);
});
