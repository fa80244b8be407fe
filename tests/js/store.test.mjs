import assert from "node:assert/strict";
import test from "node:test";
import { newProject, reduce, restore, soundText } from "../../webapp/static/store.js";

const model = {
  id: "sines", low: 36, high: 84, sliders: 3, sliderLimit: 3, seedLimit: 2 ** 31 - 1, seconds: 4,
  families: [
    { title: "Strings", instruments: [{ name: "violin" }, { name: "cello" }] },
    { title: "Pipe", instruments: [{ name: "flute" }] },
  ],
}; // prettier-ignore

const after = (...actions) => actions.reduce((project, action) => reduce(project, action, model), newProject(model));

test("a change makes a new project and leaves the old one alone", () => {
  const before = Object.freeze(newProject(model));
  const next = reduce(before, { type: "pick", instrument: "flute" }, model);
  assert.deepEqual(next.instruments, { flute: 1 });
  assert.deepEqual(before.instruments, { violin: 1 });
});

test("what changes nothing or makes no sense returns the same object", () => {
  const project = newProject(model);
  const nothing = [
    { type: "pick", instrument: "violin" },
    { type: "pick", instrument: "theremin" },
    { type: "seed", seed: NaN },
    { type: "slide", sliders: [0, 1] },
    { type: "slide", sliders: [0, Infinity, 0] },
    { type: "unheard of" },
  ];
  for (const action of nothing) assert.equal(reduce(project, action, model), project);
});

test("values are brought into range", () => {
  assert.deepEqual(after({ type: "slide", sliders: [-9, 0.5, 9] }).sliders, [-3, 0.5, 3]);
  assert.equal(after({ type: "seed", seed: -4.2 }).seed, 0);
  assert.equal(after({ type: "octave", octave: 96 }).octave, 72);
  assert.equal(after({ type: "seconds", seconds: 60 }).seconds, 4);
});

test("reset touches the sliders alone", () => {
  const project = after({ type: "seed", seed: 7 }, { type: "slide", sliders: [1, 2, 3] }, { type: "reset" });
  assert.deepEqual(project.sliders, [0, 0, 0]);
  assert.equal(project.seed, 7);
});

test("the text of a sound depends on what sounds, not on what is played or how", () => {
  const plain = soundText(after());
  assert.equal(soundText(after({ type: "note", pitch: 48 }, { type: "ring", on: true }, { type: "octave", octave: 48 })), plain);
  assert.notEqual(soundText(after({ type: "seed", seed: 1 })), plain);
  assert.notEqual(soundText(after({ type: "slide", sliders: [0.05, 0, 0] })), plain);
});

test("a saved project comes back as it was", () => {
  const project = after(
    { type: "pick", instrument: "cello" }, { type: "seed", seed: 7 }, { type: "slide", sliders: [1, -2, 0.5] },
    { type: "note", pitch: 50 }, { type: "octave", octave: 48 }, { type: "seconds", seconds: 1.5 },
    { type: "ring", on: true }, { type: "audition", on: false },
  ); // prettier-ignore
  assert.deepEqual(restore(JSON.stringify(project), model), { project, complaint: null });
});

test("garbage and newer formats leave a fresh bench and say so", () => {
  for (const text of ["{", "null", "[]", '{"format": "1"}', '{"format": 99}']) {
    const { project, complaint } = restore(text, model);
    assert.deepEqual(project, newProject(model));
    assert.match(complaint, /\.$/);
  }
  assert.match(restore('{"format": 99}', model).complaint, /newer/);
});

test("a saved project cannot smuggle in what the page could not reach", () => {
  const saved = { format: 1, instruments: { theremin: 1 }, seed: "7", sliders: [1e9, 0, 0], note: 400, octave: null, seconds: {} };
  const { project } = restore(JSON.stringify(saved), model);
  assert.deepEqual(project.instruments, { violin: 1 });
  assert.equal(project.seed, 0);
  assert.deepEqual(project.sliders, [3, 0, 0]);
  assert.equal(project.note, 84);
  assert.equal(project.octave, 60);
  assert.equal(project.seconds, 4);
});
