import assert from "node:assert/strict";
import test from "node:test";
import { cutTo, likelyPart, oneChannel, outline, peakOf } from "../../webapp/static/audio/recording.js";
import { carriesSound, wavFile } from "../../webapp/static/audio/wav.js";
import { fromBase64, toBase64 } from "../../webapp/static/document/bytes.js";
import { checkedItem } from "../../webapp/static/document/checked.js";
import { shared } from "./shared.mjs";

const RATE = 8000;
const tone = (seconds, level = 0.5) =>
  Float32Array.from({ length: seconds * RATE }, (_, at) => level * Math.sin((at * 2 * Math.PI * 440) / RATE));

test("a note is cut where it begins, past silence and the noise of the room, and no longer than a note", () => {
  const samples = new Float32Array(6 * RATE).map((_, at) => 0.0005 * Math.sin(at * at));
  samples.set(tone(4.5), 1.5 * RATE);
  const { from, to } = likelyPart({ samples, rate: RATE }, 4);
  assert.ok(from <= 1.5 && from > 1.47, String(from));
  assert.ok(Math.abs(to - from - 4) < 1e-9);
  assert.equal(cutTo({ samples, rate: RATE }, { from, to }).samples.length, 4 * RATE);
  const short = likelyPart({ samples: tone(0.5), rate: RATE }, 4);
  assert.deepEqual(short, { from: 0, to: 0.5 });
});

test("channels that cancel each other are not mixed to silence", () => {
  const left = tone(0.1);
  const turned = left.map((value) => -value);
  assert.equal(oneChannel([left, turned]), left);
  assert.ok(Math.abs(peakOf(oneChannel([left, left])) - peakOf(left)) < 1e-6);
});

test("a sample that is no number is found", () => {
  assert.ok(Number.isNaN(peakOf(Float32Array.of(0.1, NaN, 0.2))));
  assert.ok(Number.isNaN(peakOf(Float32Array.of(Infinity))));
  assert.equal(peakOf(Float32Array.of(-0.5, 0.25)), 0.5);
});

test("an outline shows every peak, and silence beyond the ends", () => {
  const samples = Float32Array.of(0, 0.5, 0, -1, 0, 0.25, 0, 0);
  assert.deepEqual([...outline(samples, 4)], [0.5, 1, 0.25, 0]);
  assert.deepEqual([...outline(samples, 4, -4, 12)], [0, 1, 0.25, 0]);
});

test("a WAV file holds its samples, and only those that say so carry a sound", async () => {
  const samples = Float32Array.of(0.25, -0.5, 1);
  const bytes = await wavFile(samples, 48000).arrayBuffer();
  assert.deepEqual([...new Float32Array(bytes.slice(44))], [...samples]);
  const head = new DataView(bytes);
  assert.deepEqual([head.getUint16(20, true), head.getUint32(24, true), head.getUint32(40, true)], [3, 48000, 12]);
  assert.equal(head.getUint32(4, true), bytes.byteLength - 8);
  assert.equal(await carriesSound(new Blob([bytes])), false);
  const chunk = Uint8Array.of(...new TextEncoder().encode("GSyn"), 2, 0, 0, 0, 123, 125);
  assert.equal(await carriesSound(new Blob([bytes, chunk])), true);
  for (const other of ["", "RIFF", "no sound at all, and longer than a head"])
    assert.equal(await carriesSound(new Blob([other])), false);
});

test("a favourite keeps the recording that it was made of, and none that is damaged", () => {
  const original = {
    rate: 24000,
    samples: toBase64(Uint8Array.of(1, 2, 3, 4)),
    pitch: 60.1,
    pitched: true,
    distance: 3,
  };
  assert.deepEqual([...fromBase64(original.samples)], [1, 2, 3, 4]);
  const item = { id: "a", name: "Own", tags: [], note: 60, sound: { z: "AAAA", instruments: {} } };
  assert.deepEqual(checkedItem({ ...item, original }, { shared }).original, original);
  const wrong = [{ rate: 0 }, { samples: "<b>" }, { samples: "AAA" }, { pitch: NaN }, { distance: "near" }];
  for (const change of wrong)
    assert.equal(checkedItem({ ...item, original: { ...original, ...change } }, { shared }).original, undefined);
});
