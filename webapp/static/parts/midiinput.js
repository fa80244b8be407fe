// MIDI devices: what their messages mean, and the switch in the piano's rail that connects them and says how it stands.
/** @import { MidiMeaning } from "./types.js" */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const BEND_RANGE = 2; // semitones that a wheel bends either way
const PEDAL = 64;
const HANDLES = { 1: "mod wheel", 74: "brightness" }; // controllers that move the handle of the morph
const ALL_OFF = [120, 123]; // all sound off, all notes off
const RESET = 121;
const HANDLE_MS = 16; // a wheel sends more often than a handle is worth moving
const HANDLE_REST_MS = 300; // then the hand has left the wheel

const WORDS = {
  idle: ["Connect MIDI", "Play from a MIDI keyboard (the browser will ask for permission)"],
  asking: ["Asking …", "The browser is asking you for permission to use MIDI devices"],
  refused: ["MIDI refused", "Allow MIDI devices for this page in the browser's site settings, then click again"],
  unsupported: ["No MIDI here", "MIDI needs Chrome, Edge or Firefox, and a page opened over https or on this machine"],
  empty: ["No MIDI device", "Connect a keyboard and it will appear here"],
};

/**
 * What a message says; null for one that means nothing here. All channels are one.
 * @param {Iterable<number>} bytes
 * @returns {MidiMeaning | null}
 */
export function meaningOf([status, first, second]) {
  switch (status & 0xf0) {
    case 0x90:
      return second > 0 ? { on: first, velocity: second / 127 } : { off: first };
    case 0x80:
      return { off: first };
    case 0xe0: {
      const steps = ((second << 7) | first) - 8192;
      return { bend: steps / (steps > 0 ? 8191 : 8192) };
    }
    case 0xb0:
      if (first === PEDAL) return { pedal: second >= 64 };
      if (first in HANDLES) return { handle: first, to: second / 127 };
      if (ALL_OFF.includes(first)) return { allOff: true };
      return first === RESET ? { reset: true } : null;
    default:
      return null;
  }
}

// Plays `studio` from every device that is there or comes. onState({kind, names}) with a kind of WORDS or "connected";
// onActivity() for every message that meant something. `request` asks the browser, null where it has no MIDI; `later` stands
// in for setTimeout in tests.
export function createMidi({ studio, onState, onActivity = () => {}, request, later = setTimeout }) {
  const held = new Map(); // device id -> pitches its keys hold
  let access = null;
  let moving = null; // {t, x, y} to come, while a timer waits to move the handle
  let stillness = 0;
  const say = (kind, names = []) => onState({ kind, names });

  async function connect() {
    if (!request) return say("unsupported");
    if (access) return wire();
    say("asking");
    try {
      access = await request();
    } catch {
      return say("refused");
    }
    access.onstatechange = wire;
    wire();
  }

  function wire() {
    const inputs = [...access.inputs.values()].filter((input) => input.state !== "disconnected");
    for (const input of inputs) {
      input.onmidimessage = (event) => take(event.data, input.id);
    }
    const there = new Set(inputs.map((input) => input.id));
    for (const id of held.keys()) if (!there.has(id)) liftAll(id);
    say(
      inputs.length ? "connected" : "empty",
      inputs.map((input) => input.name ?? "MIDI device"),
    );
  }

  const isHeld = (pitch) => [...held.values()].some((pitches) => pitches.has(pitch));

  function lift(id, pitch) {
    if (held.get(id)?.delete(pitch) && !isHeld(pitch)) studio.lift(pitch);
  }

  function liftAll(id) {
    for (const pitch of [...(held.get(id) ?? [])]) lift(id, pitch);
    held.delete(id);
    studio.pedal(false);
    studio.bend(0);
  }

  function take(data, id) {
    const message = meaningOf(data);
    if (!message) return;
    onActivity();
    if (message.on !== undefined) {
      // Browsers keep sound off until the page is touched, which a MIDI key does not do; notes must not pile up till then.
      if (!studio.engine.isRunning()) return;
      if (!held.has(id)) held.set(id, new Set());
      if (isHeld(message.on)) studio.lift(message.on);
      held.get(id).add(message.on);
      studio.press(message.on, message.velocity);
    } else if (message.off !== undefined) lift(id, message.off);
    else if (message.pedal !== undefined) studio.pedal(message.pedal);
    else if (message.bend !== undefined) studio.bend(BEND_RANGE * message.bend);
    else if (message.handle !== undefined) turn(message);
    else if (message.allOff) liftAll(id);
    else {
      studio.pedal(false);
      studio.bend(0);
    }
  }

  /**
   * On the line either controller moves the handle; on the pad the mod wheel goes across, brightness down.
   * @param {MidiMeaning} message
   */
  function turn({ handle, to }) {
    const axis = studio.project.morph.mode === "line" ? "t" : handle === 1 ? "x" : "y";
    const waits = moving !== null;
    moving = { ...moving, [axis]: to };
    const mine = ++stillness;
    later(() => mine === stillness && moving === null && studio.drop(), HANDLE_REST_MS);
    if (waits) return;
    later(() => {
      const to = moving;
      moving = null;
      studio.drag({ type: "handle", ...to });
    }, HANDLE_MS);
  }

  return { connect };
}

// The switch: a click asks for permission; later it only tells.
export function midiSwitch(studio) {
  const words = h("span", { class: "words" });
  const light = h("i", { "aria-hidden": "true" });
  const button = h(
    "button",
    { class: "button midi", "aria-live": "polite", onclick: () => midi.connect() },
    icon("midi"),
    words,
    light,
  );
  let dark = null;
  function onState({ kind, names }) {
    const [label, title] =
      kind === "connected"
        ? [names.length > 1 ? `${names.length} MIDI devices` : names[0], `Playing from ${names.join(", ")}`]
        : WORDS[kind];
    button.dataset.kind = kind;
    words.textContent = label;
    button.title = title;
  }
  function onActivity() {
    light.classList.add("lit");
    clearTimeout(dark);
    dark = setTimeout(() => light.classList.remove("lit"), 120);
  }
  const request = navigator.requestMIDIAccess ? () => navigator.requestMIDIAccess() : null;
  const midi = createMidi({ studio, onState, onActivity, request });
  onState({ kind: request ? "idle" : "unsupported", names: [] });
  // Who allowed it on an earlier visit is not asked again; nobody else is asked without a click.
  const allowed = request && navigator.permissions?.query({ name: "midi" });
  allowed?.then(
    ({ state }) => state === "granted" && midi.connect(),
    () => null,
  );
  return button;
}
