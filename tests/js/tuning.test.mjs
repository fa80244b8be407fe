import assert from "node:assert/strict";
import test from "node:test";
import { checkedTuning, placeOf } from "../../webapp/static/document/tuning.js";

const keys = (pitchOf) => Array.from({ length: 128 }, (_, key) => pitchOf(key));
const quarterTones = { name: "24-edo", pitches: keys((key) => 60 + (key - 60) / 2) };

test("a key sounds by the note nearest to its pitch", () => {
  assert.deepEqual(placeOf(null, 61), { pitch: 61, detune: 0 });
  assert.deepEqual(placeOf(quarterTones, 62), { pitch: 61, detune: 0 });
  const { pitch, detune } = placeOf(quarterTones, 61);
  assert.equal(pitch + detune, 60.5);
  assert.ok(Math.abs(detune) <= 0.5);
  assert.equal(placeOf({ name: "x", pitches: keys(() => null) }, 60), null);
});

test("what is no tuning is none", () => {
  assert.deepEqual(checkedTuning({ ...quarterTones, more: 1 }), quarterTones);
  assert.equal(checkedTuning({ name: "equal", pitches: keys((key) => key) }), null);
  for (const other of [null, 7, {}, { name: "x", pitches: [60] }, { name: 1, pitches: keys((key) => key / 2) }])
    assert.equal(checkedTuning(other), null);
  assert.equal(checkedTuning({ name: "x", pitches: keys(() => NaN) }), null);
});
