import assert from "node:assert/strict";
import test from "node:test";
import { commandLetter, meaning } from "../../webapp/static/parts/keys.js";
import { velocityAt } from "../../webapp/static/rooms/piano/hands.js";
import { matches } from "../../webapp/static/document/search.js";

const press = (code, target = { tagName: "BODY" }, extra = {}) => meaning({ code, target, ...extra });

test("the home row is white, the row above black, Z and X shift", () => {
  assert.deepEqual(
    ["KeyA", "KeyW", "KeyS", "KeyK"].map((code) => press(code).note),
    [0, 1, 2, 12],
  );
  assert.deepEqual(press("KeyZ"), { shift: -12 });
  assert.deepEqual(press("Escape"), { silence: true });
  assert.equal(press("KeyQ"), null);
});

test("typing in a field is not playing, moving a slider does not stop it", () => {
  assert.equal(press("KeyA", { tagName: "INPUT", type: "search" }), null);
  assert.equal(press("KeyA", { tagName: "INPUT", type: "number" }), null);
  assert.equal(press("KeyA", { tagName: "TEXTAREA" }), null);
  assert.equal(press("KeyA", { tagName: "DIV", isContentEditable: true }), null);
  assert.deepEqual(press("KeyA", { tagName: "INPUT", type: "range" }), { note: 0 });
});

test("letters and the space bar are the instrument's wherever the focus is, unless it takes text", () => {
  const button = { tagName: "BUTTON", tabIndex: 0 };
  const list = { tagName: "SELECT", tabIndex: 0 };
  for (const target of [
    undefined,
    button,
    list,
    { tagName: "INPUT", type: "checkbox" },
    { tagName: "INPUT", type: "range" },
  ]) {
    assert.deepEqual(press("Space", target), { pedal: true });
    assert.deepEqual(press("KeyD", target), { note: 4 });
    assert.deepEqual(press("KeyV", target), { phrase: true });
    assert.deepEqual(press("Slash", target, { key: "?" }), { help: true });
  }
  for (const target of [{ tagName: "TEXTAREA" }, { tagName: "INPUT", type: "number" }])
    for (const code of ["Space", "KeyD", "KeyV"]) assert.equal(press(code, target), null);
});

test("a command is the letter that is printed, or lies at its place where none is Latin", () => {
  assert.equal(commandLetter({ key: "z", code: "KeyZ" }), "z");
  assert.equal(commandLetter({ key: "Z", code: "KeyW" }), "z"); // AZERTY
  assert.equal(commandLetter({ key: "y", code: "KeyZ" }), "y"); // QWERTZ
  assert.equal(commandLetter({ key: "я", code: "KeyZ" }), "z"); // Cyrillic
  assert.equal(commandLetter({ key: "Enter", code: "Enter" }), "");
});

test("the front edge of a key is loudest", () => {
  assert.equal(velocityAt(1), 1);
  assert.ok(velocityAt(0.2) < velocityAt(0.6));
  assert.ok(velocityAt(-0.5) > 0.1 && velocityAt(1.5) <= 1);
});

test("shortcuts of the browser stay the browser's", () => {
  for (const held of ["ctrlKey", "metaKey", "altKey"]) assert.equal(press("KeyA", undefined, { [held]: true }), null);
});

test("searching finds words by their beginnings, in the instrument's or the family's name", () => {
  assert.ok(matches("vio", "violin", "Strings"));
  assert.ok(matches("strings vio", "violin", "Strings"));
  assert.ok(matches("grand ac", "acoustic_grand_piano", "Piano"));
  assert.ok(!matches("olin", "violin", "Strings"));
  assert.ok(matches("", "violin", "Strings"));
});
