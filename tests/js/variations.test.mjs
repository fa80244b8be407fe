import assert from "node:assert/strict";
import test from "node:test";
import { depth, soundText } from "../../webapp/static/document/sound.js";
import { childName, childrenOf, COUNT, variationName, variationsOf } from "../../webapp/static/document/variations.js";

const model = { directions: [{ name: "bright" }, { name: "component 1" }] };
const violin = { instruments: { violin: 1 }, seed: 7 };
const mix = { morph: [violin, { instruments: { flute: 1 }, seed: 2 }], at: 0.25 };

test("eight variations lie at the distance asked for, each towards another sound of the same instruments", () => {
  const sounds = variationsOf(mix, 0.3, model);
  assert.equal(new Set(sounds.map(soundText)).size, COUNT);
  for (const { morph, at, sliders } of sounds) {
    assert.equal(at, 0.3);
    assert.ok(Object.values(sliders).every((step) => Math.abs(step) <= 1.5) && Object.keys(sliders).length === 2);
    assert.deepEqual(morph[0], mix);
    assert.deepEqual(morph[1].instruments, { violin: 0.75, flute: 0.25 });
  }
});

test("children lie between their parents, in order, and a little beside the way", () => {
  const oboe = { instruments: { oboe: 1 }, seed: 1 };
  const sounds = childrenOf(violin, oboe, 0.5, model);
  const places = sounds.map(({ morph }) => morph[0].at);
  assert.deepEqual(places, places.toSorted());
  assert.ok(places.every((at) => at > 0 && at < 1));
  for (const sound of sounds) {
    assert.deepEqual(sound.morph[0].morph, [violin, oboe]);
    assert.ok(sound.at > 0 && sound.at < 0.5);
    assert.ok(depth(sound) <= 3);
  }
});

test("weights stay what a sound document may hold, also of many instruments and of none", () => {
  const many = { instruments: Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`i${n}`, 1])), seed: 0 };
  for (const { morph } of variationsOf({ morph: [many, violin], at: 0.5 }, 0.2, model)) {
    const weights = Object.values(morph[1].instruments);
    assert.ok(weights.length <= 16 && weights.every((weight) => weight > 0 && weight <= 1));
  }
  assert.deepEqual(variationsOf({ instruments: {}, seed: 3 }, 0.2, model)[0].morph[1].instruments, {});
});

test("names of variations and children tell which they are and whose", () => {
  assert.equal(variationName("Cello", 3), "Cello · varied 3");
  assert.equal(variationName("Cello · varied 3", 5), "Cello · varied 3.5");
  assert.equal(variationName("Cello · varied 1.2.3.4", 5), "Cello · varied 2.3.4.5");
  assert.equal(variationName("Cello ~3", 5), "Cello · varied 5"); // named by an older page
  assert.equal(childName("Cello · varied 2", "Cello · varied 7", 4), "Cello · child 4 of 2 × 7");
  assert.equal(childName("Cello", "Cello · varied 7.1", 4), "Cello · child 4 of original × 7.1");
  assert.equal(childName("Cello", "Oboe · varied 2", 4), "Cello × Oboe · varied 2 · child 4");
});

test("variations leave the sliders alone that only saved sounds still have", () => {
  const directions = [{ name: "bright" }, { name: "once bright", kind: "former" }];
  for (const { sliders } of variationsOf({ instruments: { violin: 1 }, seed: 1 }, 0.5, { directions }))
    assert.deepEqual(Object.keys(sliders), ["bright"]);
});
