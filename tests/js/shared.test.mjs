// Limits that the page's scripts write down themselves, as they need them before a model has told its own.

import assert from "node:assert/strict";
import test from "node:test";

import { MOST_KEYFRAMES } from "../../webapp/static/document/path.js";
import { SEED_LIMIT } from "../../webapp/static/document/sound.js";
import { MOST_STOPS } from "../../webapp/static/document/songpath.js";
import { shared } from "./shared.mjs";

const { limits } = shared;

test("the page sends no more than the server takes", () => {
  assert.equal(SEED_LIMIT, limits.seed);
  assert.equal(MOST_STOPS, limits.midi_sounds);
  assert.equal(MOST_KEYFRAMES, limits.glide_sounds);
});
