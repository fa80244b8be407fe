import assert from "node:assert/strict";
import test from "node:test";
import * as library from "../../webapp/static/document/library.js";
import { itemOf } from "../../webapp/static/document/memory.js";
import { newProject, plainPatch } from "../../webapp/static/document/project.js";
import { beginHistory, keptStep, nameRedo, nameUndo, redo, step, undo } from "../../webapp/static/document/undo.js";
import { reduce } from "../../webapp/static/document/store.js";
import { shared } from "./shared.mjs";

const model = {
  shared,
  id: "sines",
  latentSize: 8,
  low: 36,
  high: 84,
  seconds: 4,
  sliderLimit: 3,
  rawLimit: 4,
  directions: [],
  families: [{ title: "Strings", instruments: [{ name: "violin" }, { name: "cello" }] }],
};
const { adding, changedShelf, forgetting, hearing, itemsOf, keeping, moving, renaming } = library;
const violin = (seed) => ({ instruments: { violin: 1 }, seed });
const item = (id, seed = 1) => ({ id, name: id, tags: [], note: 60, sound: violin(seed) });
const names = (shelf, list) => itemsOf(shelf, list).map(({ name }) => name);
const shelfOf = (list, ...ids) =>
  changedShelf(
    new Map(),
    keeping(
      new Map(),
      list,
      ids.map((id, at) => item(id, at)),
      model,
      1000,
    ),
  );

test("sounds are kept in order, each once, and what is damaged is left out", () => {
  let shelf = shelfOf("favourites", "x", "y", "x");
  shelf = changedShelf(shelf, keeping(shelf, "favourites", [item("y"), { id: 3 }, null, item("z")], model, 0));
  assert.deepEqual(names(shelf, "favourites"), ["x", "y", "z"]);
  assert.deepEqual(names(shelf, "basket"), []);
  shelf = changedShelf(shelf, renaming(shelf, "favourites", "y", { name: "Yours", tags: ["warm"] }, model));
  shelf = changedShelf(shelf, forgetting(shelf, "favourites", ["x", "q"]));
  assert.deepEqual(names(shelf, "favourites"), ["Yours", "z"]);
  assert.deepEqual(renaming(shelf, "basket", "y", { name: "No" }, model), []);
});

test("sounds of a list change places, also where there is no room left between numbers", () => {
  const shelf = shelfOf("basket", "x", "y", "z");
  const order = (id, to) => names(changedShelf(shelf, moving(shelf, "basket", id, to)), "basket").join("");
  assert.deepEqual([order("z", 0), order("x", 1), order("y", 9), order("x", -1)], ["zxy", "yxz", "xzy", "xyz"]);
  assert.deepEqual(moving(shelf, "basket", "q", 0), []);
  assert.deepEqual(moving(shelf, "basket", "x", NaN), []);
  let often = shelf;
  for (let turn = 0; turn < 120; turn++)
    often = changedShelf(often, moving(often, "basket", names(often, "basket")[2], 1));
  assert.deepEqual(names(often, "basket").toSorted(), ["x", "y", "z"]);
  const before = names(often, "basket");
  const after = names(changedShelf(often, moving(often, "basket", before[2], 1)), "basket");
  assert.deepEqual(after, [before[0], before[2], before[1]]);
});

test("the newest sound heard stands first, a known one moves up and keeps its name, the oldest falls off", () => {
  let shelf = new Map();
  const hear = (seed, name, now) => {
    shelf = changedShelf(shelf, hearing(shelf, itemOf(violin(seed), name, 60 + seed), model, now, 3));
  };
  for (const seed of [1, 2, 3]) hear(seed, `v${seed}`, seed);
  assert.deepEqual(names(shelf, "heard"), ["v3", "v2", "v1"]);
  hear(1, "", 3); // a clock that stands still
  assert.deepEqual(names(shelf, "heard"), ["v1", "v3", "v2"]);
  hear(4, "v4", 9);
  assert.deepEqual(names(shelf, "heard"), ["v4", "v1", "v3"]);
  assert.equal(shelf.size, 3);
});

test("changes of two tabs merge, and each can be taken back alone", () => {
  const shelf = shelfOf("favourites", "x", "y");
  const here = keeping(shelf, "favourites", [item("here", 8)], model, 2000);
  const there = keeping(shelf, "favourites", [item("there", 9)], model, 2001);
  const both = changedShelf(changedShelf(shelf, here), there);
  assert.deepEqual(names(both, "favourites"), ["x", "y", "here", "there"]);
  assert.deepEqual(names(changedShelf(both, here, "before"), "favourites"), ["x", "y", "there"]);
});

test("a library goes out as a file and is added to another, without what is there", () => {
  let shelf = shelfOf("favourites", "x", "y");
  shelf = changedShelf(shelf, keeping(shelf, "basket", [item("b", 5)], model, 1));
  shelf = changedShelf(shelf, hearing(shelf, item("h", 6), model, 1));
  const text = library.libraryText(shelf, model);
  const { kept, lost } = library.readLibrary(text, model);
  assert.equal(lost, 0);
  assert.deepEqual(adding(shelf, kept, model, 2), []);
  const other = changedShelf(new Map(), adding(new Map(), kept, model, 2));
  for (const list of library.LISTS) assert.deepEqual(itemsOf(other, list), itemsOf(shelf, list));
  // Another sound under an id that is taken is another sound; one that was heard before lies behind.
  let mine = shelfOf("favourites", "y");
  mine = changedShelf(mine, hearing(mine, item("new", 7), model, 100));
  mine = changedShelf(mine, adding(mine, kept, model, 2));
  assert.deepEqual(names(mine, "favourites"), ["y", "y"]);
  assert.deepEqual(names(mine, "heard"), ["new", "h"]);
});

test("files that are no library of this model are told apart", () => {
  assert.equal(library.readLibrary("{", model), null);
  assert.equal(library.readLibrary('{"format": 2, "slots": {}}', model), null);
  const head = { kind: "library", format: 1, model: "sines" };
  const read = (change) => library.readLibrary(JSON.stringify({ ...head, ...change }), model);
  assert.match(read({ model: "voices" }).complaint, /belongs to the model 'voices', not to 'sines'/);
  assert.match(read({ format: 9 }).complaint, /newer version/);
  const theremin = { ...item("t"), sound: { instruments: { theremin: 1 }, seed: 0 } };
  const { kept, lost } = read({ favourites: [item("x"), theremin, 7], basket: "x" });
  assert.deepEqual([kept.favourites.length, kept.basket.length, lost], [1, 0, 2]);
});

test("a sound goes into the basket with the envelope it was played with", () => {
  const soft = { ...plainPatch(model), attack: 0.5 };
  assert.equal(library.asPlayed(item("x"), plainPatch(model), model).patch, undefined);
  assert.equal(library.asPlayed(item("x"), soft, model).patch.attack, 0.5);
  const own = { ...item("x"), patch: { ...soft, attack: 1 } };
  assert.equal(library.asPlayed(own, soft, model).patch.attack, 1);
  const forged = keeping(new Map(), "basket", [{ ...own, patch: { attack: 99, sustain: "x" } }], model, 1);
  assert.equal(forged[0].after.item.patch.attack, 2);
});

test("steps of the library are undone in turn with those of the bench", () => {
  const start = newProject(model);
  const kept = keeping(new Map(), "basket", [item("x")], model, 1);
  let history = step(beginHistory(start), reduce(start, { type: "pick", instrument: "cello" }, model));
  const bench = history.present;
  history = keptStep(history, kept);
  assert.equal(nameUndo(history), "pack basket");
  history = step(history, reduce(bench, { type: "note", pitch: 70 }, model)); // no step of its own
  history = undo(history);
  assert.deepEqual([history.present.slots, history.present.note], [bench.slots, 70]);
  assert.deepEqual([nameUndo(history), nameRedo(history)], ["sound A", "pack basket"]);
  assert.equal(redo(history).past.at(-1).kept, kept);
  assert.deepEqual(undo(history).present.slots, start.slots);
});
