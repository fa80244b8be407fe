import assert from "node:assert/strict";
import test from "node:test";
import { createFetcher, nextBlock, octaveBlocks, persist, retryAfter, whileRetrying } from "../../webapp/static/net.js";

const BLOCKS = octaveBlocks(36, 84);
const settle = () => new Promise((resolve) => setImmediate(resolve));

// A fetcher whose answers come when the test says so.
function bench() {
  const calls = [];
  const loaded = [];
  const states = [];
  const timers = [];
  let flying = 0;
  let most = 0;
  const fetcher = createFetcher({
    blocks: BLOCKS,
    fetchBlock: (sound, block) =>
      new Promise((resolve, reject) => {
        most = Math.max(most, ++flying);
        const landing = (land) => async (value) => {
          flying--;
          land(value);
          await settle();
        };
        calls.push({ sound, low: block.low, answer: landing(resolve), fail: landing(reject) });
      }),
    onBlock: (block, data) => loaded.push([block.low, data]),
    onState: (state) => states.push(state),
    later: (resume, delay) => timers.push({ resume, delay }) && timers.length,
  });
  return { fetcher, calls, loaded, states, timers, most: () => most };
}

test("four octaves, the top C with the last", () => {
  assert.deepEqual(BLOCKS, [{ low: 36, high: 47 }, { low: 48, high: 59 }, { low: 60, high: 71 }, { low: 72, high: 84 }]);
});

const place = (changes) => ({ loaded: new Set(), tasted: new Set(), wanted: new Set(), focus: 62, ...changes });

test("the note in focus first, then its octave, then the others outwards", () => {
  assert.deepEqual(nextBlock(BLOCKS, place()), { low: 62, high: 62 });
  const order = [];
  const at = place({ tasted: new Set([62]) });
  for (let block; (block = nextBlock(BLOCKS, at)); at.loaded.add(block.low)) order.push(block.low);
  assert.deepEqual(order, [60, 48, 72, 36]);
});

test("a waiting key comes alone before all else, a waiting chord with its octave", () => {
  assert.deepEqual(nextBlock(BLOCKS, place({ wanted: new Set([40]) })), { low: 40, high: 40 });
  assert.deepEqual(nextBlock(BLOCKS, place({ wanted: new Set([40, 44]) })), { low: 36, high: 47 });
  assert.deepEqual(nextBlock(BLOCKS, place({ wanted: new Set([40]), tasted: new Set([40]) })), { low: 36, high: 47 });
});

test("one request at a time until the whole keyboard is there", async () => {
  const { fetcher, calls, loaded, states, most } = bench();
  fetcher.setFocus(60);
  fetcher.setSound("a");
  for (let index = 0; index < 5; index++) await calls[index].answer(index);
  assert.equal(most(), 1);
  assert.deepEqual(loaded.map(([low]) => low), [60, 60, 48, 72, 36]);
  assert.equal(calls.length, 5);
  assert.deepEqual(states.at(-1), { busy: false, error: null });
});

test("of many sounds in a drag only the newest is asked for, and stale answers are dropped", async () => {
  const { fetcher, calls, loaded } = bench();
  fetcher.setFocus(60);
  for (const sound of ["a", "b", "c", "d"]) fetcher.setSound(sound);
  assert.deepEqual(calls.map(({ sound }) => sound), ["a"]);
  await calls[0].answer("old");
  assert.deepEqual(loaded, []);
  assert.deepEqual(calls.map(({ sound }) => sound), ["a", "d"]);
  await calls[1].answer("new");
  assert.deepEqual(loaded, [[60, "new"]]);
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
  const attempts = (...outcomes) => async () => {
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
