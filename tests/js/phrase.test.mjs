import assert from "node:assert/strict";
import test from "node:test";
import { createPhrasePlayer } from "../../webapp/static/audio/phrase.js";
import { PHRASES, pitchesOf } from "../../webapp/static/document/phrases.js";

// A player on a clock that the test turns; timers run when their time has come.
function bench(settings = {}) {
  const state = { name: "arpeggio", tempo: 120, loop: true, root: 60, low: 36, high: 84, ...settings };
  const played = [];
  const timers = [];
  const wanted = [];
  const ready = { value: true };
  let clock = 5;
  const player = createPhrasePlayer({
    settings: () => state,
    now: () => clock,
    isReady: () => ready.value,
    play: (pitch, at, seconds, velocity) => played.push({ pitch, at, seconds, velocity, fixedAt: clock }),
    want: (pitches) => wanted.push(pitches),
    onChange: () => {},
    later: (work, ms) => timers.push({ work, due: clock + ms / 1000 }),
  });
  function run(seconds, late = 0) {
    const end = clock + seconds;
    for (;;) {
      timers.sort((a, b) => a.due - b.due);
      if (!timers.length || timers[0].due + late > end) break;
      const { work, due } = timers.shift();
      clock = Math.max(clock, due + late);
      work();
    }
    clock = end;
  }
  return { player, state, played, wanted, ready, run };
}

test("phrases are in order, of sensible length and velocity", () => {
  assert.ok(PHRASES.length >= 4);
  for (const { name, beats, notes } of PHRASES) {
    for (const [index, [at, length, , velocity]] of notes.entries()) {
      assert.ok(at >= (notes[index - 1]?.[0] ?? 0) && at + length <= beats, `${name} ${index}`);
      assert.ok(velocity > 0 && velocity <= 1);
    }
    assert.ok(new Set(notes.map(([, , , velocity]) => velocity)).size > 1, `${name} is played by a machine`);
  }
});

test("a phrase stays on the keyboard, by octaves", () => {
  for (const phrase of PHRASES) {
    for (const root of [36, 60, 84]) {
      const pitches = pitchesOf(phrase, root, 36, 84);
      assert.ok(pitches.every((pitch) => pitch >= 36 && pitch <= 84));
      assert.ok(pitches.every((pitch, index) => (pitch - root - phrase.notes[index][2]) % 12 === 0));
    }
  }
  assert.deepEqual(pitchesOf(PHRASES[0], 60, 36, 84).slice(0, 3), [60, 67, 72]);
});

test("notes are fixed ahead of their time and evenly, however late the timers are", () => {
  const { player, played, run } = bench();
  player.start();
  run(8, 0.06);
  assert.ok(played.length > 25);
  for (const [index, { at, fixedAt }] of played.entries()) {
    assert.ok(at > fixedAt && at - fixedAt < 0.2);
    if (index) assert.ok(Math.abs(at - played[index - 1].at - 0.25) < 1e-9); // eighths at 120 beats a minute
  }
  assert.deepEqual(
    played.slice(16, 19).map(({ pitch }) => pitch),
    [60, 67, 72],
  ); // and over again
});

test("tempo, root and phrase are followed while it plays", () => {
  const { player, played, state, run } = bench();
  player.start();
  run(1);
  Object.assign(state, { tempo: 60, root: 62 });
  const before = played.length;
  run(2);
  const [one, two] = played.slice(before + 1);
  assert.ok(Math.abs(two.at - one.at - 0.5) < 1e-9);
  assert.ok(
    played.slice(before).every(({ pitch }) => PHRASES[0].notes.some(([, , semitones]) => pitch === 62 + semitones)),
  );
  state.name = "bass";
  run(4);
  assert.ok(played.at(-1).pitch < 62);
});

test("without repeat it ends after its last note; stop ends it at once", () => {
  const { player, played, run } = bench({ loop: false });
  player.start();
  run(10);
  assert.equal(played.length, 16);
  assert.equal(player.isOn(), false);
  player.start();
  run(1);
  player.stop();
  const { length } = played;
  run(5);
  assert.equal(played.length, length);
});

test("it waits for its first note, asks for the next ones, and goes on from now after a sleep", () => {
  const { player, played, wanted, ready, run } = bench();
  ready.value = false;
  player.start();
  run(1);
  assert.equal(played.length, 0);
  assert.deepEqual(wanted[0].slice(0, 3), [60, 67, 72]);
  ready.value = true;
  run(0.5);
  assert.ok(played.length > 0);
  const before = played.length;
  run(10, 5); // a page in the background
  assert.ok(played.length - before < 8);
  assert.ok(played.every(({ at, fixedAt }) => at > fixedAt));
});
