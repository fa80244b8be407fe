import assert from "node:assert/strict";
import fs from "node:fs";
import test from "node:test";
import { readLists } from "../../webapp/static/document/library.js";
import { readLink } from "../../webapp/static/document/permalink.js";
import { soundText } from "../../webapp/static/document/sound.js";
import { soundOf } from "../../webapp/static/document/project.js";
import { restore } from "../../webapp/static/document/restore.js";
import { shared } from "./shared.mjs";

const saved = (name) => fs.readFileSync(new URL(`../data/saved/${name}`, import.meta.url), "utf8");
const model = { ...JSON.parse(saved("model.json")), shared };

test("a project saved with earlier code opens as it was, with the sounds that were kept in it", () => {
  const text = saved("project.json");
  const { project, complaint, kept } = restore(text, model);
  assert.ok(!complaint);
  const { favourites, basket, ...bench } = JSON.parse(text);
  const { t } = bench.morph; // the line is the upper edge of the pad now
  const since = { format: project.format, tuning: null, morph: { mode: "line", t, x: t, y: 0 } };
  assert.deepEqual(project, { ...bench, ...since });
  assert.deepEqual(kept, { favourites, basket, heard: [] });
  assert.equal(soundText(soundOf(project)), saved("sound.json"));
});

test("a link copied with earlier code brings the same sound, note and envelope", async () => {
  const { sound, name, note, patch } = await readLink(`#${saved("link.txt")}`, model);
  assert.equal(soundText(sound), saved("sound.json"));
  assert.deepEqual([name, note, patch.attack, patch.release], ["Halfway ♯1", 57, 0.2, 1]);
});

test("a history kept with earlier code is read", () => {
  const item = { id: "1", name: "Dusk", tags: [], sound: JSON.parse(saved("sound.json")), note: 57 };
  const { kept } = readLists({ heard: JSON.parse(JSON.stringify([item])) }, model);
  assert.equal(soundText(kept.heard[0].sound), saved("sound.json"));
});
