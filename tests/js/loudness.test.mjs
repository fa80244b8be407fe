import assert from "node:assert/strict";
import test from "node:test";
import { loudness, matchDb } from "../../webapp/static/audio/loudness.js";

const near = (value, expected, within) => assert.ok(Math.abs(value - expected) < within, `${value} is not ${expected}`);
const tone = (hz, db, rate, seconds = 3, shape = () => 1) =>
  Int16Array.from(
    { length: rate * seconds },
    (_, at) => 32767 * 10 ** (db / 20) * shape(at / rate) * Math.sin((2 * Math.PI * hz * at) / rate),
  );

test("a full sine of 997 Hz in one channel is -3.01 LKFS, as the standard says, at any rate", () => {
  for (const rate of [16000, 24000, 48000]) near(loudness(tone(997, 0, rate), rate), -3.01, 0.05);
  near(loudness(tone(997, -20, 48000), 48000), -23.01, 0.05);
});

test("the ear's weighting: little of the bass, more of the treble", () => {
  const at = (hz) => loudness(tone(hz, -20, 48000), 48000) - loudness(tone(997, -20, 48000), 48000);
  assert.ok(at(30) < -4);
  near(at(4000), 3.3, 0.4);
});

test("the silence after a short note does not make it softer", () => {
  const short = tone(440, -12, 24000, 4, (seconds) => (seconds < 1 ? 1 : 0));
  near(loudness(short, 24000), loudness(tone(440, -12, 24000, 4), 24000), 1);
});

test("a note is brought to another's loudness, within bounds, and silence is left alone", () => {
  const [loud, soft] = [tone(440, -6, 24000), tone(440, -12, 24000)];
  near(matchDb(soft, loud, 24000), 6, 0.05);
  near(matchDb(loud, soft, 24000), -6, 0.05);
  assert.equal(matchDb(tone(440, -50, 24000), loud, 24000), 9);
  assert.equal(matchDb(new Int16Array(24000), loud, 24000), 0);
});
