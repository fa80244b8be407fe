import assert from "node:assert/strict";
import test from "node:test";
import { levelAt, scheduleEnvelope, scheduleRelease } from "../../webapp/static/audio/adsr.js";
import { risesSlowly } from "../../webapp/static/audio/livevoice.js";
import { shelfFilter, velocityGain, velocityShelf } from "../../webapp/static/audio/velocity.js";
import { toSteal } from "../../webapp/static/audio/voices.js";
import { plainPatch } from "../../webapp/static/document/project.js";
import { shared } from "./shared.mjs";

const near = (value, goal, tolerance = 1e-9) =>
  assert.ok(Math.abs(value - goal) <= tolerance, `${value} is not ${goal}`);
const patch = { attack: 0.5, decay: 1, sustain: 0.4, release: 0.8 };

// An AudioParam that notes down what it is told.
function param() {
  const events = [];
  const noted =
    (what) =>
    (...values) =>
      events.push([what, ...values]);
  return {
    events,
    setValueAtTime: noted("set"),
    linearRampToValueAtTime: noted("line"),
    setTargetAtTime: noted("target"),
  };
}

test("a level rises in a line, decays to the sustain level and is 60 dB down after the release", () => {
  near(levelAt(patch, 0.25), 0.5);
  near(levelAt(patch, 0.5), 1);
  near(levelAt(patch, 1.5), 0.4006);
  near(levelAt(patch, 3.8, 3), 1e-3 * levelAt(patch, 3));
  near(levelAt(patch, 0.25 + 0.4, 0.25), 0.5 * 10 ** -1.5);
});

test("a new patch leaves a held note alone", () => {
  for (const time of [0, 0.001, 1, 4]) assert.equal(levelAt(plainPatch({ shared }), time), 1);
});

test("an envelope is written as one line and one approach", () => {
  const gain = param();
  scheduleEnvelope(gain, patch, 10, { level: 0.5 });
  scheduleRelease(gain, patch, 12);
  assert.deepEqual(
    gain.events.map(([what, value, at]) => [what, value, at]),
    [
      ["set", 0, 10],
      ["line", 0.5, 10.5],
      ["target", 0.2, 10.5],
      ["target", 0, 12],
    ],
  );
});

test("a note known to be let go within its attack turns back where it is", () => {
  const gain = param();
  scheduleEnvelope(gain, patch, 10, { held: 0.25 });
  assert.deepEqual(
    gain.events.map(([what, value, at]) => [what, value, at]),
    [
      ["set", 0, 10],
      ["line", 0.5, 10.25],
      ["target", 0, 10.25],
    ],
  );
});

test("harder is louder, softer than usual is duller too, by no more than 12 dB", () => {
  near(20 * Math.log10(velocityGain(0.4) / velocityGain(0.8)), -10.17, 0.01);
  assert.equal(velocityShelf(0.8), 0);
  assert.equal(velocityShelf(1), 0);
  near(velocityShelf(0.6), 0.8 * 20 * Math.log10(velocityGain(0.6) / velocityGain(0.8)));
  assert.ok(velocityShelf(0.5) < velocityShelf(0.6));
  assert.equal(velocityShelf(0), -12);
});

test("the shelf leaves the bottom, takes its dB off the top and half of them at three times the fundamental", () => {
  const {
    feedforward: [b0, b1],
    feedback: [a0, a1],
  } = shelfFilter(60, -12, 24000);
  const gainDb = (hz) => {
    const w = (2 * Math.PI * hz) / 24000;
    const size = (c0, c1) => Math.hypot(c0 + c1 * Math.cos(w), c1 * Math.sin(w));
    return 20 * Math.log10(size(b0, b1) / size(a0, a1));
  };
  near(gainDb(1), 0, 0.01);
  near(gainDb(12000), -12, 0.01);
  near(gainDb(3 * 261.6256), -6, 0.1);
});

test("of sixteen voices the one let go first makes room, then a kept one, then the oldest key", () => {
  const voice = (name, rest = {}) => ({ name, starts: 0, held: true, releasedAt: null, stolen: false, ...rest });
  const keys = Array.from({ length: 16 }, (_, index) => voice(`key ${index}`, { starts: index }));
  assert.equal(toSteal(keys.slice(1), 20), null);
  assert.equal(toSteal(keys, 20).name, "key 0");
  const kept = voice("kept", { starts: 19, held: false });
  assert.equal(toSteal([...keys, kept], 20).name, "kept");
  const gone = [voice("late", { starts: 1, releasedAt: 19 }), voice("early", { starts: 2, releasedAt: 18 })];
  assert.equal(toSteal([...keys, kept, ...gone], 20).name, "early");
  assert.equal(
    toSteal([...keys.slice(2), voice("still to be let go", { starts: 17, releasedAt: 30 }), kept], 20).name,
    "kept",
  );
  assert.equal(toSteal([...keys.slice(1), { ...keys[0], stolen: true }], 20), null);
});

test("a note that swells is told from one that is struck", () => {
  const rate = 1000;
  const note = (level) => Int16Array.from({ length: 2 * rate }, (_, at) => 20000 * level(at / rate) * Math.sin(at));
  assert.equal(
    risesSlowly(
      note((seconds) => Math.min(1, seconds / 0.6)),
      rate,
    ),
    true,
  );
  assert.equal(
    risesSlowly(
      note((seconds) => Math.exp(-seconds)),
      rate,
    ),
    false,
  );
  assert.equal(
    risesSlowly(
      note(() => 1),
      rate,
    ),
    false,
  );
  assert.equal(risesSlowly(new Int16Array(0), rate), false);
});
