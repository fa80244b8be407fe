import assert from "node:assert/strict";
import test from "node:test";
import { createMidi } from "../../webapp/static/parts/midiinput.js";
import { meaningOf } from "../../webapp/static/parts/mididevice.js";

test("messages of any channel mean what the standard says", () => {
  assert.deepEqual(meaningOf([0x93, 60, 127]), { on: 60, velocity: 1 });
  assert.deepEqual(meaningOf([0x90, 60, 0]), { off: 60 });
  assert.deepEqual(meaningOf([0x85, 61, 64]), { off: 61 });
  assert.deepEqual(meaningOf([0xb0, 64, 127]), { pedal: true });
  assert.deepEqual(meaningOf([0xb0, 64, 63]), { pedal: false });
  assert.deepEqual(meaningOf([0xe0, 0, 64]), { bend: 0 });
  assert.deepEqual(meaningOf([0xe1, 127, 127]), { bend: 1 });
  assert.deepEqual(meaningOf([0xe0, 0, 0]), { bend: -1 });
  assert.deepEqual(meaningOf([0xb0, 1, 127]), { handle: 1, to: 1 });
  assert.deepEqual(meaningOf([0xb0, 74, 0]), { handle: 74, to: 0 });
  assert.deepEqual(meaningOf([0xb0, 123, 0]), { allOff: true });
  assert.deepEqual(meaningOf([0xb0, 121, 0]), { reset: true });
  assert.deepEqual(meaningOf([0xd3, 127]), { pressure: 1 });
  assert.deepEqual(meaningOf([0xa0, 60, 127]), { pressure: 1, key: 60 });
  for (const other of [[0xf8], [0xfe], [0xc0, 4], [0xb0, 7, 100]]) assert.equal(meaningOf(other), null);
});

const input = (id, name) => ({ id, name, state: "connected" });

// A studio that notes down what it is told, and devices to send from.
function bench({ inputs = [], request, targets } = {}) {
  const told = [];
  const states = [];
  const timers = [];
  const noted =
    (what) =>
    (...values) =>
      told.push([what, ...values]);
  const sound = { on: true };
  const studio = {
    press: noted("press"),
    lift: noted("lift"),
    pedal: noted("pedal"),
    bend: noted("bend"),
    bendKey: noted("bendKey"),
    drag: noted("drag"),
    drop: noted("drop"),
    engine: { isRunning: () => sound.on },
    project: { morph: { mode: "line" } },
    model: { sliderLimit: 3 },
  };
  const access = { inputs: new Map(inputs.map((one) => [one.id, one])) };
  const midi = createMidi({
    studio,
    onState: (state) => states.push(state),
    ...(targets && { targets: () => targets }),
    request: request === undefined ? async () => access : request,
    later: (work) => timers.push(work),
  });
  const send = (from, ...data) => from.onmidimessage({ data });
  const pass = () => timers.splice(0).forEach((work) => work());
  return { midi, studio, sound, access, told, states, send, pass };
}

test("it says so when there is no Web MIDI, no permission, no device, and who plays", async () => {
  const kinds = async (options) => {
    const { midi, states } = bench(options);
    await midi.connect();
    return states.map(({ kind }) => kind);
  };
  assert.deepEqual(await kinds({ request: null }), ["unsupported"]);
  assert.deepEqual(await kinds({ request: () => Promise.reject(new Error("denied")) }), ["asking", "refused"]);
  assert.deepEqual(await kinds({}), ["asking", "empty"]);
  const { midi, states } = bench({ inputs: [input("1", "Keys"), input("2", "Pads")] });
  await midi.connect();
  assert.deepEqual(states.at(-1), { kind: "connected", names: ["Keys", "Pads"] });
});

test("a refusal can be asked again", async () => {
  let refused = true;
  const { midi, states } = bench({
    request: () => (refused ? Promise.reject(new Error("no")) : Promise.resolve({ inputs: new Map() })),
  });
  await midi.connect();
  refused = false;
  await midi.connect();
  assert.deepEqual(
    states.map(({ kind }) => kind),
    ["asking", "refused", "asking", "empty"],
  );
});

test("keys of several devices play; a key that another device holds sounds on", async () => {
  const [keys, pads] = [input("1", "Keys"), input("2", "Pads")];
  const { midi, told, send } = bench({ inputs: [keys, pads] });
  await midi.connect();
  send(keys, 0x90, 60, 64);
  send(pads, 0x99, 60, 127);
  send(keys, 0x80, 60, 0);
  assert.deepEqual(told, [
    ["press", 60, 64 / 127],
    ["lift", 60],
    ["press", 60, 1],
  ]);
  send(pads, 0x99, 60, 0);
  assert.deepEqual(told.at(-1), ["lift", 60]);
});

test("a device pulled out lets its keys, pedal and wheel go; one plugged in plays", async () => {
  const keys = input("1", "Keys");
  const { midi, access, told, states, send } = bench({ inputs: [keys] });
  await midi.connect();
  send(keys, 0x90, 60, 64);
  keys.state = "disconnected";
  access.onstatechange();
  assert.deepEqual(told.slice(1), [
    ["lift", 60],
    ["pedal", false],
    ["bend", 0],
  ]);
  assert.equal(states.at(-1).kind, "empty");
  const pads = input("2", "Pads");
  access.inputs.set("2", pads);
  access.onstatechange();
  send(pads, 0x90, 62, 127);
  assert.deepEqual(told.at(-1), ["press", 62, 1]);
});

test("while the browser keeps sound off, keys are not saved up", async () => {
  const keys = input("1", "Keys");
  const { midi, sound, told, send } = bench({ inputs: [keys] });
  await midi.connect();
  sound.on = false;
  send(keys, 0x90, 60, 64);
  send(keys, 0x80, 60, 0);
  assert.deepEqual(told, []);
});

test("pedal, bend over two semitones, all notes off", async () => {
  const keys = input("1", "Keys");
  const { midi, told, send } = bench({ inputs: [keys] });
  await midi.connect();
  send(keys, 0x90, 60, 64);
  send(keys, 0xb0, 64, 127);
  send(keys, 0xe0, 0, 0);
  send(keys, 0xb0, 123, 0);
  assert.deepEqual(told.slice(1), [
    ["pedal", true],
    ["bend", -2],
    ["lift", 60],
    ["pedal", false],
    ["bend", 0],
  ]);
});

test("a wheel drags the handle, seldom enough, and lets it go when it rests", async () => {
  const keys = input("1", "Keys");
  const { midi, studio, told, send, pass } = bench({ inputs: [keys] });
  await midi.connect();
  for (const value of [0, 64, 127]) send(keys, 0xb0, 1, value);
  pass();
  assert.deepEqual(told, [["drag", { type: "handle", t: 1 }], ["drop"]]);
  studio.project.morph.mode = "pad";
  send(keys, 0xb0, 1, 127);
  send(keys, 0xb0, 74, 0);
  pass();
  assert.deepEqual(told.find(([, action]) => action?.x === 1)[1], { type: "handle", x: 1, y: 0 });
});

const noteOn = (channel, key, velocity = 100) => [0x90 + channel, key, velocity];
const noteOff = (channel, key) => [0x80 + channel, key, 0];
const bendTo = (channel, part) => {
  const steps = Math.round(8192 + part * (part > 0 ? 8191 : 8192));
  return [0xe0 + channel, steps & 127, steps >> 7];
};
const parameter = (channel, number, value) => [
  [0xb0 + channel, 101, 0],
  [0xb0 + channel, 100, number],
  [0xb0 + channel, 6, value],
];

test("with MPE every note has a bend of its own, and the master's bends all", async () => {
  const keys = input("1", "Pads");
  const { midi, told, send } = bench({ inputs: [keys] });
  await midi.connect();
  for (const message of parameter(0, 6, 15)) send(keys, ...message); // a zone of 15 channels
  told.length = 0;
  send(keys, ...bendTo(1, 0.5)); // before its note, as the standard has it
  send(keys, ...noteOn(1, 60));
  send(keys, ...noteOn(2, 64));
  send(keys, ...bendTo(2, -1));
  send(keys, ...bendTo(0, 1));
  assert.deepEqual(
    told.map(([what, ...values]) => [what, ...values.map((value) => Math.round(value * 10) / 10)]),
    [
      ["press", 60, 0.8],
      ["bendKey", 60, 24],
      ["press", 64, 0.8],
      ["bendKey", 64, 0],
      ["bendKey", 64, -48],
      ["bend", 2],
    ],
  );
});

test("a device says how far it bends", async () => {
  const keys = input("1", "Keys");
  const { midi, told, send } = bench({ inputs: [keys] });
  await midi.connect();
  for (const message of parameter(0, 0, 12)) send(keys, ...message);
  send(keys, ...bendTo(0, 1));
  assert.deepEqual(told.at(-1), ["bend", 12]);
  for (const message of [...parameter(0, 6, 15), ...parameter(3, 0, 24)]) send(keys, ...message);
  send(keys, ...noteOn(1, 60));
  send(keys, ...bendTo(1, 1));
  assert.deepEqual(told.at(-1), ["bendKey", 60, 24]); // what one member says is said for all
});

test("notes that go from channel to channel are those of MPE, whatever the device says", async () => {
  const keys = input("1", "Pads");
  const { midi, told, send } = bench({ inputs: [keys] });
  await midi.connect();
  for (const [channel, key] of [
    [1, 60],
    [2, 62],
  ]) {
    send(keys, ...noteOn(channel, key));
    send(keys, ...bendTo(channel, 1));
    send(keys, ...noteOff(channel, key));
  }
  assert.deepEqual(told.at(-2), ["bend", 2]); // two channels, one after the other, may be two zones of a keyboard
  send(keys, ...noteOn(3, 64));
  send(keys, ...bendTo(3, 1));
  assert.deepEqual(told.slice(-2), [
    ["bendKey", 64, 0],
    ["bendKey", 64, 48],
  ]);
  assert.ok(told.some(([what, semitones]) => what === "bend" && semitones === 0)); // the wheel that never was goes back
});

test("a key that MPE strikes again on another channel is let go by that one", async () => {
  const keys = input("1", "Pads");
  const { midi, told, send } = bench({ inputs: [keys] });
  await midi.connect();
  for (const message of parameter(0, 6, 15)) send(keys, ...message);
  told.length = 0;
  send(keys, ...noteOn(1, 60));
  send(keys, ...noteOn(2, 60));
  send(keys, ...noteOff(1, 60));
  assert.deepEqual(
    told.map(([what]) => what),
    ["press", "bendKey", "lift", "press", "bendKey"],
  );
  send(keys, ...noteOff(2, 60));
  assert.deepEqual(told.at(-1), ["lift", 60]);
});

test("pressure moves the handle of an MPE device, and what else one chooses", async () => {
  const keys = input("1", "Pads");
  const targets = { pressure: null, slide: null };
  const { midi, told, send, pass } = bench({ inputs: [keys], targets });
  await midi.connect();
  send(keys, 0xd0, 127);
  pass();
  assert.deepEqual(told, []); // a plain keyboard's pressure is left alone
  for (const message of parameter(0, 6, 15)) send(keys, ...message);
  told.length = 0;
  send(keys, 0xd1, 127);
  pass();
  assert.deepEqual(told[0], ["drag", { type: "handle", t: 1 }]);
  Object.assign(targets, { pressure: "brightness", slide: "attack" });
  told.length = 0;
  send(keys, 0xd1, 127);
  send(keys, 0xb1, 74, 0);
  pass();
  assert.deepEqual(told[0], ["drag", { type: "slide", sliders: { brightness: 3, attack: -3 } }]);
});
