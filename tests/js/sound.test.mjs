import assert from "node:assert/strict";
import test from "node:test";
import { checkedSound } from "../../webapp/static/document/checked.js";
import {
  canonical,
  changeText,
  depth,
  instrumentWeights,
  leadingInstrument,
  soundText,
  titleOf,
  valueText,
  without,
} from "../../webapp/static/document/sound.js";
import { variationsOf } from "../../webapp/static/document/variations.js";

const model = {
  title: "Sines",
  families: [
    {
      title: "Strings",
      hue: 10,
      instruments: [
        { name: "violin", title: "Violin" },
        { name: "cello", title: "Cello" },
      ],
    },
    { title: "Pipe", hue: 99, instruments: [{ name: "flute", title: "Flute" }] },
  ],
};
const violin = { instruments: { violin: 1 }, seed: 0 };
const flute = { instruments: { flute: 1 }, seed: 7 };

test("equal sounds are equal text, whatever the order and the last digits", () => {
  const one = {
    instruments: { violin: 0.5, cello: 0.5 },
    seed: 1,
    sliders: { b: 0.50001, a: -1, c: 0 },
    raw: { 7: 1 },
  };
  const other = { raw: { 7: 1 }, sliders: { a: -1, b: 0.5 }, seed: 1, instruments: { cello: 0.5, violin: 0.5 } };
  assert.equal(soundText(one), soundText(other));
  assert.notEqual(soundText(one), soundText({ ...other, raw: { 7: 0 } })); // a number set to zero is set
});

test("a morph at an end is that end, with the bends on top of its own", () => {
  assert.equal(soundText({ morph: [violin, flute], at: 0 }), soundText(violin));
  assert.equal(soundText({ morph: [violin, flute], at: 1 }), soundText(flute));
  assert.equal(soundText({ morph: [violin, violin], at: 0.3 }), soundText(violin));
  const bent = { morph: [{ ...violin, sliders: { bright: 1 } }, flute], at: 0, sliders: { bright: 0.5 } };
  assert.deepEqual(canonical(bent).sliders, { bright: 1.5 });
});

test("instruments mix as their sounds do", () => {
  const mix = {
    morph: [
      violin,
      {
        blend: [
          [violin, 0.5],
          [flute, 0.5],
        ],
      },
    ],
    at: 0.5,
  };
  assert.deepEqual(instrumentWeights(mix), { violin: 0.75, flute: 0.25 });
  assert.equal(leadingInstrument(mix), "violin");
  assert.equal(leadingInstrument({ instruments: {}, seed: 3 }), null);
  assert.equal(depth(mix), 3);
});

test("a sound without a name gets one a player understands", () => {
  assert.equal(titleOf(violin, model), "Violin");
  assert.equal(titleOf(flute, model), "Flute · seed 7");
  assert.equal(titleOf({ morph: [violin, flute], at: 0.4 }, model), "Violin → Flute · seed 7, 40 %");
  const [varied] = variationsOf(violin, 0.3, { directions: [{ name: "brightness" }] }, () => 0.4);
  assert.equal(titleOf(varied, model), "Violin · varied");
  assert.equal(titleOf({ ...varied, sliders: {} }, model), "Violin → Violin · seed 40000, 30 %");
  assert.equal(titleOf({ instruments: {}, seed: 3 }, model), "Sines · seed 3");
});

test("what is no sound is none", () => {
  const endless = { morph: [violin, violin], at: 0.5 };
  endless.morph[0] = endless;
  const wrong = [
    null,
    7,
    {},
    { seed: 1 },
    { instruments: { violin: 2 }, seed: 1 },
    { instruments: { violin: 1 }, seed: 1.5 },
    { morph: [violin], at: 0.5 },
    { morph: [violin, flute], at: 2 },
    { blend: [] },
    { blend: [[violin, 0]] },
    { ...violin, sliders: { bright: NaN } },
    { ...violin, raw: 3 },
    endless,
  ];
  for (const value of wrong) assert.equal(checkedSound(value), null);
  const good = { morph: [violin, { ...flute, raw: { 3: 1 } }], at: 0.5, sliders: { bright: 1 } };
  assert.deepEqual(checkedSound({ ...good, extra: "left out" }), good);
});

test("measured values are told in units one knows", () => {
  const hz = { unit: "Hz", log: true };
  assert.equal(valueText(1930, hz), "1.9 kHz");
  assert.equal(valueText(262.4, hz), "262 Hz");
  assert.equal(valueText(0.012, { unit: "s" }), "12 ms");
  assert.equal(valueText(-12.34, { unit: "dB" }), "−12 dB");
  assert.equal(valueText(-1.26, { unit: "dB" }), "−1.3 dB");
  assert.equal(changeText(2000, 1000, hz), "+1.0 oct");
  assert.equal(changeText(500, 1000, hz), "−1.0 oct");
  assert.equal(changeText(0.3, 0.1, { unit: "s", log: true }), "×3.0");
  assert.equal(changeText(-20, -12, { unit: "dB", log: false }), "−8.0 dB");
});

test("a sound without some of its sliders is so in all of its parts", () => {
  const bent = { ...violin, sliders: { follows: 1, "component 1": 2 } };
  const plain = { ...violin, sliders: { "component 1": 2 } };
  assert.equal(soundText(without(bent, ["follows"])), soundText(plain));
  const between = { morph: [bent, flute], at: 0.5, sliders: { follows: -1 } };
  assert.equal(soundText(without(between, ["follows"])), soundText({ morph: [plain, flute], at: 0.5 }));
  const blended = {
    blend: [
      [bent, 0.5],
      [flute, 0.5],
    ],
  };
  assert.equal(
    soundText(without(blended, ["follows"])),
    soundText({
      blend: [
        [plain, 0.5],
        [flute, 0.5],
      ],
    }),
  );
});
