import assert from "node:assert/strict";
import test from "node:test";
import { allTags, filterItems, itemOf, itemWith, tagsOf } from "../../webapp/static/document/memory.js";
import { soundText } from "../../webapp/static/document/sound.js";

const violin = (seed) => ({ instruments: { violin: 1 }, seed });
const names = (items) => items.map(({ name }) => name);

test("two items are never taken for one, however quickly they are made", () => {
  const ids = Array.from({ length: 100 }, () => itemOf(violin(1), "x", 60).id);
  assert.equal(new Set(ids).size, 100);
});

test("sounds written in another order are the same sound", () => {
  const kept = [itemOf({ seed: 1, instruments: { violin: 0.5, cello: 0.5 } }, "mix", 60)];
  assert.equal(itemWith(kept, soundText({ seed: 1, instruments: { cello: 0.5, violin: 0.5 } })).name, "mix");
});

test("tags are split at commas, trimmed, and each is there once", () => {
  assert.deepEqual(tagsOf(" warm, Pad ,, Warm,pad"), ["warm", "Pad"]);
  assert.deepEqual(tagsOf(""), []);
});

test("kept sounds are found by the beginnings of words in name, tags and what is told of them", () => {
  const items = [
    itemOf(violin(1), "Night strings", 60, ["warm", "pad"]),
    itemOf(violin(2), "Morning", 60, ["bright pad"]),
    itemOf(violin(3), "Glass", 60, ["pad"]),
  ];
  assert.deepEqual(filterItems(items, ""), items);
  assert.deepEqual(names(filterItems(items, "PAD wa")), ["Night strings"]);
  assert.deepEqual(names(filterItems(items, "ings")), []);
  const about = ({ sound }) => (sound.seed === 3 ? "Bowed Glass" : "Violin");
  assert.deepEqual(names(filterItems(items, "vio pad", about)), ["Night strings", "Morning"]);
  assert.deepEqual(allTags(items), ["pad", "bright pad", "warm"]);
});
