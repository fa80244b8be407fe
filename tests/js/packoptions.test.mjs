import assert from "node:assert/strict";
import test from "node:test";

import {
  estimateText,
  isInstrument,
  newOptions,
  planOf,
  ratesOf,
  recallOptions,
  withChange,
} from "../../webapp/static/document/packoptions.js";
import { shared } from "./shared.mjs";

const model = { shared, low: 36, high: 84, rate: 24000 };
const fresh = newOptions(model);

test("options become the plan that the studio knows", () => {
  assert.deepEqual(planOf(fresh, model), {
    name: "GANSynth pack",
    pitches: { low: 36, high: 84, every: 3 },
    subtype: "PCM_24",
    sample_rate: 44100,
    level: "sound",
    measure: "peak",
    loudness_lufs: -12,
    author: "",
    copyright: "",
    comment: "",
    naming: "sampler",
    rejects: "drop",
    velocity_layers: 1,
    round_robins: 1,
    loops: true,
    stereo: false,
    formats: ["sfz", "dspreset"],
    wavetable: false,
  });
  const one = withChange(fresh, { keys: "one", key: 50, name: "  Mine ", device: "op-xy" }, model);
  const plan = planOf(one, model);
  assert.deepEqual(
    [plan.pitches, plan.name, plan.device, plan.subtype, plan.sample_rate],
    [50, "Mine", "op-xy", "PCM_16", 44100],
  );
  assert.deepEqual(planOf(withChange(fresh, { keys: "all", every: 6 }, model), model).pitches, {
    low: 36,
    high: 84,
    every: 1,
  });
});

test("a device keeps its rate and bits, and gives them free again", () => {
  const tonverk = withChange(withChange(fresh, { device: "tonverk" }, model), { rate: 44100, subtype: "FLOAT" }, model);
  assert.deepEqual([tonverk.rate, tonverk.subtype], [48000, "PCM_24"]);
  assert.equal(withChange(withChange(tonverk, { device: "" }, model), { rate: 24000 }, model).rate, 24000);
});

test("the range stays the right way round, whichever end moves", () => {
  const narrow = withChange(fresh, { low: 60, high: 64 }, model);
  assert.deepEqual(
    [withChange(narrow, { low: 70 }, model).high, withChange(narrow, { high: 50 }, model).low],
    [70, 50],
  );
});

test("what is no choice changes nothing, whether typed or stored", () => {
  const wrong = {
    layers: 9,
    every: "3",
    low: 20,
    high: 60.5,
    formats: ["mp3"],
    loops: "yes",
    name: 3,
    rate: 22050,
    key: NaN,
    bogus: 1,
  };
  assert.deepEqual(withChange(fresh, wrong, model), fresh);
  assert.deepEqual(recallOptions(JSON.stringify(wrong), model), fresh);
  for (const text of [null, "", "{", "[]", "7", "null"]) assert.deepEqual(recallOptions(text, model), fresh);
  const mine = withChange(fresh, { layers: 2, formats: [], keys: "one" }, model);
  assert.deepEqual(recallOptions(JSON.stringify(mine), model), mine);
});

test("rates are named once, and what counts as an instrument", () => {
  assert.deepEqual(
    ratesOf(model).map(([rate]) => rate),
    [44100, 48000, 24000],
  );
  assert.deepEqual(
    ratesOf({ rate: 48000 }).map(([rate]) => rate),
    [44100, 48000],
  );
  assert.deepEqual(
    [
      { keys: "one", layers: 1, takes: 1 },
      { keys: "one", layers: 2, takes: 1 },
      { keys: "all", layers: 1, takes: 1 },
    ].map(isInstrument),
    [false, true, true],
  );
});

test("sizes and times as one reads them", () => {
  assert.equal(estimateText({ notes: 1, bytes: 540000, seconds: 0.1 }), "1 note · 0.5 MB · about 1 s");
  assert.equal(estimateText({ notes: 1220, bytes: 1.3e9, seconds: 200 }), "1,220 notes · 1.3 GB · about 3 min");
});
