import assert from "node:assert/strict";
import test from "node:test";
import { filterItems, itemOf, itemWith, recall, remember, tagsOf } from "../../webapp/static/document/memory.js";
import { soundText } from "../../webapp/static/document/sound.js";
import { shared } from "./shared.mjs";

const model = {
  shared,
  id: "sines",
  latentSize: 8,
  sliderLimit: 3,
  rawLimit: 4,
  directions: [],
  families: [{ title: "Strings", instruments: [{ name: "violin" }, { name: "cello" }] }],
};
const violin = (seed) => ({ instruments: { violin: 1 }, seed });
const names = (items) => items.map(({ name }) => name);

test("two items are never taken for one, however quickly they are made", () => {
  const ids = Array.from({ length: 100 }, () => itemOf(violin(1), "x", 60).id);
  assert.equal(new Set(ids).size, 100);
});

test("the newest sound heard stands first, a known one moves up and keeps its name, the oldest falls off", () => {
  let heard = [];
  for (const seed of [1, 2, 3]) heard = remember(heard, itemOf(violin(seed), `v${seed}`, 60), 3);
  assert.deepEqual(names(heard), ["v3", "v2", "v1"]);
  heard = remember(heard, itemOf(violin(1), "", 72), 3);
  assert.deepEqual(names(heard), ["v1", "v3", "v2"]);
  assert.equal(heard[0].note, 72);
  heard = remember(heard, itemOf(violin(4), "v4", 60), 3);
  assert.deepEqual(names(heard), ["v4", "v1", "v3"]);
});

test("sounds written in another order are the same sound", () => {
  const heard = remember([], itemOf({ seed: 1, instruments: { violin: 0.5, cello: 0.5 } }, "mix", 60));
  assert.equal(remember(heard, itemOf({ instruments: { cello: 0.5, violin: 0.5 }, seed: 1 }, "", 60)).length, 1);
  assert.equal(itemWith(heard, soundText({ seed: 1, instruments: { cello: 0.5, violin: 0.5 } })).name, "mix");
});

test("a stored history comes back without what the model cannot play, and garbage is an empty one", () => {
  const heard = [itemOf(violin(1), "a", 60), itemOf(violin(2), "b", 61)];
  assert.deepEqual(recall(JSON.stringify(heard), model), heard);
  const other = [{ ...heard[0], sound: { instruments: { theremin: 1 }, seed: 0 } }, null, 7, { id: 3 }, heard[1]];
  assert.deepEqual(names(recall(JSON.stringify(other), model)), ["b"]);
  for (const text of [null, "", "{", "{}", "7"]) assert.deepEqual(recall(text, model), []);
  const many = Array.from({ length: 200 }, (_, seed) => itemOf(violin(seed), "x", 60));
  assert.equal(recall(JSON.stringify(many), model).length, 60);
});

test("tags are split at commas, trimmed, and each is there once", () => {
  assert.deepEqual(tagsOf(" warm, Pad ,, Warm,pad"), ["warm", "Pad"]);
  assert.deepEqual(tagsOf(""), []);
});

test("favourites are found by the beginnings of words in name and tags, the newest first", () => {
  const items = [
    itemOf(violin(1), "Night strings", 60, ["warm", "pad"]),
    itemOf(violin(2), "Morning", 60, ["bright pad"]),
    itemOf(violin(3), "Glass", 60, []),
  ];
  assert.deepEqual(names(filterItems(items, "")), ["Glass", "Morning", "Night strings"]);
  assert.deepEqual(names(filterItems(items, "pad")), ["Morning", "Night strings"]);
  assert.deepEqual(names(filterItems(items, "PAD wa")), ["Night strings"]);
  assert.deepEqual(names(filterItems(items, "ings")), []);
});
