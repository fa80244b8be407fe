import assert from "node:assert/strict";
import test from "node:test";
import { soundText } from "../../webapp/static/document/sound.js";
import { knownSound } from "../../webapp/static/document/checked.js";
import { bendsOf, handSlot, newProject, soundOf, target, titleOfMix } from "../../webapp/static/document/project.js";
import { restore } from "../../webapp/static/document/restore.js";
import { reduce } from "../../webapp/static/document/store.js";
import { beginHistory, nameStep, redo, step, undo } from "../../webapp/static/document/undo.js";
import { shared } from "./shared.mjs";

const model = {
  shared,
  id: "sines",
  title: "Sines",
  low: 36,
  high: 84,
  sliderLimit: 3,
  latentSize: 8,
  rawLimit: 4,
  seconds: 4,
  directions: [{ name: "bright" }, { name: "component 1" }, { name: "component 2" }],
  families: [
    { title: "Strings", instruments: [{ name: "violin" }, { name: "cello" }] },
    { title: "Pipe", instruments: [{ name: "flute" }] },
  ],
};

const after = (...actions) => actions.reduce((project, action) => reduce(project, action, model), newProject(model));
const flute = { instruments: { flute: 1 }, seed: 7 };

test("a change makes a new project and leaves the old one alone", () => {
  const before = Object.freeze(newProject(model));
  const next = reduce(before, { type: "pick", instrument: "flute" }, model);
  assert.deepEqual(soundOf(next), flute.seed && { instruments: { flute: 1 }, seed: 0 });
  assert.notDeepEqual(soundOf(before), soundOf(next));
});

test("what changes nothing or makes no sense returns the same object", () => {
  const project = newProject(model);
  const nothing = [
    { type: "pick", instrument: "theremin" },
    { type: "put", slot: "e", sound: flute },
    { type: "put", slot: "a", sound: { instruments: 3 } },
    { type: "seed", seed: NaN },
    { type: "slide", sliders: { bright: Infinity } },
    { type: "raw", values: { 99: 1 } },
    { type: "handle", t: NaN },
    { type: "path", path: [[0, 2, 0]] },
    {
      type: "path",
      path: [
        [0, 0, 0],
        [0.5, 1, 1],
      ],
    },
    {
      type: "path",
      path: [
        [0, 0, 0],
        [0.5, 1, 1],
        [0.5, 0, 0],
        [1, 1, 1],
      ],
    },
    { type: "path", path: [[0, 0, 0], 3] },
    { type: "unheard of" },
  ];
  for (const action of nothing) assert.equal(reduce(project, action, model), project, JSON.stringify(action));
});

test("values are brought into range", () => {
  assert.deepEqual(bendsOf(after({ type: "slide", sliders: { bright: -9 } })).sliders, { bright: -3 });
  assert.deepEqual(bendsOf(after({ type: "raw", values: { 3: 9 } })).raw, { 3: 4 });
  assert.equal(soundOf(after({ type: "seed", seed: -4.2 })).seed, 0);
  assert.equal(after({ type: "octave", octave: 96 }).octave, 72);
  assert.equal(after({ type: "seconds", seconds: 60 }).seconds, 4);
  assert.equal(after({ type: "path", seconds: 60 }).pathSeconds, 4);
  assert.equal(after({ type: "handle", t: 7 }).morph.t, 1);
  assert.equal(after({ type: "patch", patch: { attack: 99, gain: -99 } }).patch.attack, 2);
});

test("the handle decides what is heard and what the sliders bend", () => {
  const ends = [
    { type: "put", slot: "a", sound: flute },
    { type: "put", slot: "b", sound: { instruments: { cello: 1 }, seed: 2 } },
  ];
  const atB = after(...ends);
  assert.equal(target(atB), "b");
  const between = reduce(atB, { type: "handle", t: 0.4 }, model);
  assert.equal(target(between), "mix");
  assert.equal(handSlot(between), "a");
  assert.deepEqual(soundOf(between).morph[0], flute);
  const free = reduce(between, { type: "raw", values: { 3: 2 } }, model);
  assert.deepEqual(soundOf(free).raw, { 3: 2 });
  const end = reduce(free, { type: "handle", t: 0 }, model);
  assert.deepEqual(soundOf(end), { ...flute, raw: { 3: 2 } }); // a number set between sounds is not lost at the ends
  assert.deepEqual(soundOf(reduce(end, { type: "raw", values: { 3: null } }, model)), flute);
});

test("sliders set between sounds keep their amounts to the ends, which keep their difference", () => {
  const between = after(
    { type: "put", slot: "a", sound: { ...flute, sliders: { bright: 1 } } },
    { type: "put", slot: "b", sound: { instruments: { cello: 1 }, seed: 2 } },
    { type: "handle", t: 0.5 },
  );
  assert.deepEqual(bendsOf(between).sliders, { bright: 0.5 });
  const bent = reduce(between, { type: "slide", sliders: { bright: 2 } }, model);
  const amounts = [0, 0.001, 0.25, 0.5, 0.75, 0.999, 1].map((t) => {
    const there = reduce(bent, { type: "handle", t }, model);
    assert.deepEqual(soundOf(there).sliders ?? {}, t === 0 ? { bright: 2.5 } : t === 1 ? { bright: 1.5 } : {});
    return Number(bendsOf(there).sliders.bright.toFixed(4));
  });
  assert.deepEqual(amounts, [2.5, 2.499, 2.25, 2, 1.75, 1.501, 1.5]);
  // Where one end is at its limit the other goes further; the very limit is reached by both.
  for (const wanted of [2.9, 3, -3, 0]) {
    const there = reduce(bent, { type: "slide", sliders: { bright: wanted } }, model);
    assert.ok(Math.abs((bendsOf(there).sliders.bright ?? 0) - wanted) < 1e-3, String(wanted));
    for (const slot of ["a", "b"]) assert.ok(Math.abs(there.slots[slot].sound.sliders?.bright ?? 0) <= 3);
  }
  const pad = reduce(
    after({ type: "handle", mode: "pad", x: 0.3, y: 0.6 }),
    { type: "slide", sliders: { bright: 1 } },
    model,
  );
  assert.deepEqual(
    Object.values(pad.slots).map(({ sound }) => sound.sliders.bright),
    [1, 1, 1, 1],
  );
});

test("a project of before, with sliders over what lies between, sounds as it did until they are moved", () => {
  const old = { ...after({ type: "handle", t: 0.5 }), mix: { sliders: { bright: 1, warm: 1 }, raw: {} } };
  assert.deepEqual(soundOf(old).sliders, { bright: 1, warm: 1 });
  assert.deepEqual(bendsOf(old).sliders, { bright: 1, warm: 1 });
  const moved = reduce(old, { type: "slide", sliders: { bright: 1.5 } }, model);
  assert.deepEqual(bendsOf(moved).sliders, { bright: 1.5, warm: 1 });
  assert.deepEqual(soundOf(moved).sliders, { warm: 1 });
  assert.deepEqual(moved.slots.b.sound.sliders, { bright: 1.5 });
});

test("a change of an end keeps the place between sounds", () => {
  const between = after({ type: "handle", t: 0.4 });
  for (const action of [
    { type: "pick", instrument: "flute" },
    { type: "seed", seed: 9 },
    { type: "put", slot: "b", sound: flute },
  ])
    assert.deepEqual(reduce(between, action, model).morph, between.morph, action.type);
  assert.equal(reduce(between, { type: "put", slot: "a", sound: flute, stay: false }, model).morph.t, 0);
  assert.equal(reduce(between, { type: "put", slot: "c", sound: flute }, model).morph.mode, "pad"); // not part of it
  assert.equal(reduce(after(), { type: "put", slot: "b", sound: flute }, model).morph.t, 1); // heard where it was put
  const pad = after({ type: "handle", mode: "pad", x: 0.5, y: 0.5 }, { type: "put", slot: "d", sound: flute });
  assert.deepEqual([pad.morph.x, pad.morph.y], [0.5, 0.5]);
});

test("the line is the upper edge of the pad: both show the one place that plays", () => {
  const pad = after({ type: "handle", mode: "pad", x: 0.6, y: 0.7 });
  assert.deepEqual(pad.morph, { mode: "pad", t: 0.6, x: 0.6, y: 0.7 });
  const line = reduce(pad, { type: "handle", mode: "line", t: 0.25 }, model);
  assert.deepEqual(line.morph, { mode: "line", t: 0.25, x: 0.25, y: 0 });
  const swapped = reduce(pad, { type: "swap" }, model);
  assert.deepEqual([swapped.slots.d, swapped.morph.x], [pad.slots.c, 0.4]);
});

test("on the pad each corner is its slot and the middle all four", () => {
  const corners = { a: [0, 0], b: [1, 0], c: [0, 1], d: [1, 1] };
  for (const [slot, [x, y]] of Object.entries(corners)) {
    assert.equal(target(after({ type: "handle", mode: "pad", x, y })), slot);
  }
  const middle = soundOf(after({ type: "handle", mode: "pad", x: 0.5, y: 0.5 }));
  assert.equal(middle.at, 0.5);
  assert.equal(middle.morph.length, 2);
});

test("a swap changes places and not the sound", () => {
  const project = after({ type: "put", slot: "a", sound: flute }, { type: "handle", t: 0.25 });
  const swapped = reduce(project, { type: "swap" }, model);
  assert.deepEqual(swapped.slots.b.sound, flute);
  assert.equal(swapped.morph.t, 0.75);
});

test("picking an instrument keeps the seed and the bends, another seed keeps the instrument", () => {
  const project = after(
    { type: "put", slot: "a", sound: { ...flute, sliders: { bright: 1 } } },
    { type: "pick", instrument: "cello" },
  );
  assert.equal(soundText(soundOf(project)), soundText({ instruments: { cello: 1 }, seed: 7, sliders: { bright: 1 } }));
  const mixed = after({ type: "put", slot: "a", sound: { morph: [flute, flute], at: 0.5 } }, { type: "seed", seed: 3 });
  assert.deepEqual(soundOf(mixed), { instruments: { flute: 1 }, seed: 3 });
});

test("reset leaves locked sliders alone", () => {
  const project = after(
    { type: "slide", sliders: { bright: 1, "component 1": 2 } },
    { type: "lock", name: "bright", on: true },
    { type: "reset" },
  );
  assert.deepEqual(bendsOf(project).sliders, { bright: 1 });
});

test("undo takes back what the hand did, a drag as one step, and not what was played", () => {
  let history = beginHistory(newProject(model));
  const act = (action, gesture) => (history = step(history, reduce(history.present, action, model), gesture));
  act({ type: "pick", instrument: "flute" });
  act({ type: "handle", t: 0.2 }, 1);
  act({ type: "handle", t: 0.5 }, 1);
  act({ type: "handle", t: 0.9 }, 1);
  act({ type: "note", pitch: 40 });
  history = undo(history);
  assert.equal(history.present.morph.t, 0);
  assert.equal(history.present.note, 40);
  history = undo(history);
  assert.notEqual(soundOf(history.present).instruments.flute, 1);
  assert.equal(undo(history), null);
  history = redo(redo(history));
  assert.equal(history.present.morph.t, 0.9);
  assert.equal(redo(history), null);
  act({ type: "handle", t: 0.1 });
  assert.equal(history.future.length, 0);
});

test("a saved project comes back as it was", () => {
  const project = after(
    { type: "put", slot: "a", sound: { ...flute, sliders: { bright: 1 }, raw: { 3: -1 } }, name: "Mine" },
    { type: "put", slot: "d", sound: { morph: [flute, { instruments: { cello: 1 }, seed: 0 }], at: 0.5 } },
    { type: "handle", mode: "pad", x: 0.25, y: 0.5 },
    { type: "slide", sliders: { bright: 0.5 } },
    {
      type: "path",
      path: [
        [0, 0, 0],
        [1, 1, 1],
      ],
      seconds: 1.5,
    },
    { type: "patch", patch: { attack: 0.5 } },
    { type: "lock", name: "bright", on: true },
    { type: "note", pitch: 50 },
    { type: "octave", octave: 48 },
    { type: "seconds", seconds: 1.5 },
    { type: "hold", on: true },
    { type: "audition", on: false },
  );
  const { kept, ...restored } = restore(JSON.stringify(project), model);
  assert.deepEqual(restored, { project, complaint: null, lost: 0 });
  assert.deepEqual(kept, { favourites: [], basket: [], heard: [] });
});

test("a project of the first format is brought up to date", () => {
  const saved = {
    format: 1,
    model: "sines",
    instruments: { cello: 1 },
    seed: 7,
    sliders: [1, -2, 0],
    note: 50,
    ring: true,
  };
  const { project, complaint } = restore(JSON.stringify(saved), model);
  assert.equal(complaint, null);
  assert.equal(
    soundText(soundOf(project)),
    soundText({ instruments: { cello: 1 }, seed: 7, sliders: { "component 1": 1, "component 2": -2 } }),
  );
  assert.equal(project.hold, true);
});

test("garbage, newer formats and other models leave a fresh bench and say so", () => {
  for (const text of ["{", "null", "[]", '{"format": "1"}', '{"format": 99}', '{"format": 2, "model": "violins"}']) {
    const { project, complaint } = restore(text, model);
    assert.deepEqual(project, newProject(model));
    assert.match(complaint, /\.$/);
  }
  assert.match(restore('{"format": 99}', model).complaint, /newer/);
  assert.match(restore('{"format": 2, "model": "violins"}', model).complaint, /'violins'/);
});

test("a patch and a phrase keep to their ranges; only the patch is undone", () => {
  const project = after(
    { type: "patch", patch: { attack: 9, release: 0, gain: NaN } },
    { type: "phrase", name: "bass", tempo: 999, loop: false },
  );
  assert.deepEqual(project.patch, { attack: 2, decay: 0, sustain: 1, release: 0.01, gain: 0 });
  assert.deepEqual(project.phrase, { name: "bass", tempo: 240, loop: false });
  assert.equal(reduce(project, { type: "phrase", name: "opera", tempo: NaN }, model), project);
  assert.deepEqual(restore(JSON.stringify(project), model).project, project);
  const history = step(step(beginHistory(newProject(model)), after({ type: "patch", patch: { attack: 1 } })), project);
  assert.equal(undo(history).present.patch.attack, 1);
  assert.equal(undo(history).present.phrase.name, "bass");
});

test("a saved project cannot smuggle in what the page could not reach", () => {
  const saved = {
    format: 2,
    slots: {
      a: { sound: { instruments: { theremin: 1 }, seed: 0 } },
      b: { sound: { ...flute, sliders: { bright: "1" } } },
      c: 7,
    },
    morph: { mode: "orbit", t: "x", x: 40 },
    mix: { sliders: { bright: "loud" } },
    path: [null],
    pathSeconds: "9",
    patch: { attack: -1 },
    locks: [7],
    favourites: [{ id: 3 }],
    basket: 7,
    note: 400,
    octave: null,
    seconds: {},
  };
  const { project, kept } = restore(JSON.stringify(saved), model);
  const fresh = newProject(model);
  assert.deepEqual(project.slots, fresh.slots);
  assert.deepEqual(project.morph, fresh.morph);
  assert.deepEqual(project.mix, fresh.mix);
  assert.deepEqual([project.path, project.pathSeconds], [[], 3]);
  assert.deepEqual([kept.favourites, kept.basket, project.locks], [[], [], []]);
  assert.equal(project.note, 84);
  assert.equal(project.octave, 60);
  assert.equal(project.seconds, 4);
});

test("files that are no projects are refused, whatever is in them", () => {
  const bad = [
    "{}",
    "[]",
    "7",
    "null",
    '"x"',
    '{"format": 0}',
    '{"format": -3}',
    '{"format": 2}',
    '{"format": 2, "slots": null}',
    '{"format": 1, "sliders": 3}',
  ];
  for (const text of bad) {
    const { project, complaint } = restore(text, model);
    assert.deepEqual(project, newProject(model), text);
    assert.match(complaint, /could not be read/, text);
  }
});

test("sounds that the model cannot play are counted, sliders that it lacks are left out", () => {
  const theremin = { instruments: { theremin: 1 }, seed: 0 };
  const item = (id, sound) => ({ id, name: id, tags: [], note: 60, sound });
  const saved = {
    ...newProject(model),
    format: 2,
    slots: {
      a: { sound: { ...flute, sliders: { bright: 9, warm: 1 } }, name: null },
      b: { sound: { morph: [flute, theremin], at: 0.5 } },
    },
    favourites: [item("1", flute), item("2", theremin), item("3", { z: "AAAA", instruments: {} })],
    basket: [item("4", { blend: [[theremin, 1]] })],
  };
  const { project, complaint, lost, kept } = restore(JSON.stringify(saved), model);
  assert.equal(complaint, null);
  assert.equal(lost, 4);
  assert.deepEqual(project.slots.a.sound.sliders, { bright: 3 });
  assert.deepEqual(project.slots.b, newProject(model).slots.b);
  assert.deepEqual(
    kept.favourites.map(({ id }) => id),
    ["1"],
  );
  assert.equal(knownSound({ z: "A".repeat(43), instruments: { flute: 1 } }, model).z.length, 43);
});

test("a step is named by what it changed", () => {
  const before = newProject(model);
  const named = (action) => nameStep(before, reduce(before, action, model));
  assert.equal(named({ type: "pick", instrument: "flute", stay: true }), "sound A");
  assert.equal(named({ type: "put", slot: "b", sound: flute }), "sound B");
  assert.equal(named({ type: "swap" }), "sounds");
  assert.equal(named({ type: "handle", t: 0.5 }), "handle");
});

test("both ends and the handle are set at once, and a drag is one step", () => {
  const cello = { instruments: { cello: 1 }, seed: 2 };
  const fresh = newProject(model);
  const span = (t) => ({ type: "span", a: flute, b: cello, t });
  const half = reduce(fresh, span(0.5), model);
  assert.deepEqual(soundOf(half).morph, [flute, cello]);
  assert.equal(target(reduce(half, span(1), model)), "b");
  assert.equal(reduce({ ...fresh, morph: { ...fresh.morph, mode: "pad" } }, span(1), model).morph.mode, "line");
  assert.equal(reduce(fresh, span(NaN), model), fresh);
  assert.equal(reduce(fresh, { ...span(1), b: {} }, model), fresh);
});

test("what lies between two sounds is called after the names that they have", () => {
  const own = { instruments: { violin: 1 }, seed: 3 };
  const project = after({ type: "put", slot: "a", sound: own, name: "My bell" }, { type: "handle", t: 0.25 });
  const [, second] = titleOfMix(project, model).split(" → ");
  assert.equal(titleOfMix(project, model), `My bell → ${second}`);
  assert.match(second, /, 25 %$/);
});
