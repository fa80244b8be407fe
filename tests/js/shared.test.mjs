// Limits that the page's scripts write down themselves, as they need them before a model has told its own.

import assert from "node:assert/strict";
import test from "node:test";

import { VELOCITY_RANGE_DB, velocityGain } from "../../webapp/static/audio/velocity.js";
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

test("a key of the page is as loud at a velocity as a note of a pack", () => {
  assert.equal(VELOCITY_RANGE_DB, shared.velocity_range_db);
  const db = (velocity) => 20 * Math.log10(velocityGain(velocity / 127));
  assert.ok(Math.abs(db(1) + shared.velocity_range_db) < 1e-9 && db(127) === 0);
  for (let velocity = 1; velocity < 127; velocity += 1) assert.ok(db(velocity + 1) - db(velocity) < 1.5);
});
