// MIDI devices: whose keys, wheels and pressure play the studio, and the switch in the piano's rail that connects them.
/** @import { MidiMeaning } from "./types.js" */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { menuButton } from "./menu.js";
import { createDevice, meaningOf } from "./mididevice.js";
import { readStorage, writeStorage } from "./storage.js";

const HANDLE_MS = 16; // a wheel sends more often than a handle is worth moving
const HANDLE_REST_MS = 300; // then the hand has left the wheel
const STORED = "gansynth-studio:midi"; // what pressure and slide move

const WORDS = {
  idle: ["Connect MIDI", "Play from a MIDI keyboard (the browser will ask for permission)"],
  asking: ["Asking …", "The browser is asking you for permission to use MIDI devices"],
  refused: ["MIDI refused", "Allow MIDI devices for this page in the browser's site settings, then click again"],
  unsupported: ["No MIDI here", "MIDI needs Chrome, Edge or Firefox, and a page opened over https or on this machine"],
  empty: ["No MIDI device", "Connect a keyboard and it will appear here"],
};

/**
 * What pressure and slide move: "handle", the name of a slider, or "nothing". By default the slide moves the handle, and
 * pressure does on devices with MPE: other keyboards press harder than their players know.
 * @typedef {{pressure: string | null, slide: string | null}} Targets
 */

// Plays `studio` from every device that is there or comes. onState({kind, names}) with a kind of WORDS or "connected";
// onActivity() for every message that meant something. targets() says what pressure and slide move; `request` asks the
// browser, null where it has no MIDI; `later` stands in for setTimeout in tests.
export function createMidi({
  studio,
  onState,
  onActivity = () => {},
  targets = () => ({}),
  request,
  later = setTimeout,
}) {
  const devices = new Map(); // by id
  let access = null;
  let moving = null; // {handle: {t, x, y}, sliders} to come, while a timer waits to move them
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
    for (const [id, device] of devices) {
      if (there.has(id)) continue;
      device.liftAll();
      devices.delete(id);
    }
    say(
      inputs.length ? "connected" : "empty",
      inputs.map((input) => input.name ?? "MIDI device"),
    );
  }

  function deviceOf(id) {
    const others = () => [...devices].filter(([other]) => other !== id).map(([, device]) => device);
    const isHeldElsewhere = (key) => others().some((device) => device.holds(key));
    if (!devices.has(id)) devices.set(id, createDevice({ studio, isHeldElsewhere }));
    return devices.get(id);
  }

  function take(data, id) {
    const message = meaningOf(data);
    if (!message) return;
    onActivity();
    const device = deviceOf(id);
    // Browsers keep sound off until the page is touched, which a MIDI key does not do; notes must not pile up till then.
    if (message.on !== undefined && !studio.engine.isRunning()) return;
    if (message.handle !== undefined) turn(message);
    else if (message.pressure !== undefined) lean(message, device);
    else device.take(message, data[0] & 0x0f);
  }

  /**
   * On the line either controller moves the handle; on the pad the mod wheel goes across, the slide down.
   * @param {MidiMeaning} message
   */
  function turn({ handle, to }) {
    const target = handle === 1 ? "handle" : (targets().slide ?? "handle");
    const axis = studio.project.morph.mode === "line" ? "t" : handle === 1 ? "x" : "y";
    if (target === "handle") move({ handle: { [axis]: to } });
    else if (target !== "nothing") move({ sliders: { [target]: (2 * to - 1) * studio.model.sliderLimit } });
  }

  /**
   * Pressure moves the handle away from where it begins, a slider up from its middle.
   * @param {MidiMeaning} message
   * @param {ReturnType<typeof createDevice>} device
   */
  function lean({ pressure }, device) {
    const target = targets().pressure ?? (device.isMpe() ? "handle" : "nothing");
    if (target === "handle") move({ handle: { [studio.project.morph.mode === "line" ? "t" : "x"]: pressure } });
    else if (target !== "nothing") move({ sliders: { [target]: pressure * studio.model.sliderLimit } });
  }

  function move({ handle = {}, sliders = {} }) {
    const waits = moving !== null;
    moving = { handle: { ...moving?.handle, ...handle }, sliders: { ...moving?.sliders, ...sliders } };
    const mine = ++stillness;
    later(() => mine === stillness && moving === null && studio.drop(), HANDLE_REST_MS);
    if (waits) return;
    later(() => {
      const to = moving;
      moving = null;
      if (Object.keys(to.handle).length) studio.drag({ type: "handle", ...to.handle });
      if (Object.keys(to.sliders).length) studio.drag({ type: "slide", sliders: to.sliders });
    }, HANDLE_MS);
  }

  return { connect };
}

/** @returns {Targets} */
function storedTargets() {
  try {
    const { pressure = null, slide = null } = JSON.parse(readStorage(STORED)) ?? {};
    return { pressure, slide };
  } catch {
    return { pressure: null, slide: null };
  }
}

// What pressure and slide move, to be chosen from a menu.
function createTargets(studio) {
  let chosen = storedTargets();
  const sliders = studio.model.directions.filter(({ kind }) => kind === "named");
  const places = [{ name: "nothing", title: "Nothing" }, { name: "handle", title: "Morph" }, ...sliders];
  // What was chosen before sliders followed the sound is kept by the name of the descriptor.
  const known = (name) =>
    places.find((place) => place.name === name)?.name ??
    sliders.find(({ descriptor }) => descriptor && descriptor === name)?.name ??
    null;

  function choose(what, name) {
    chosen = { ...chosen, [what]: name };
    writeStorage(STORED, JSON.stringify(chosen));
  }

  const rowOf = (what, label, usual) => ({
    label,
    row: places.map(({ name, title }) => ({
      title: name === (known(chosen[what]) ?? usual) ? `✓ ${title}` : title,
      name: `${label}: ${title}`,
      act: () => choose(what, name),
    })),
  });
  return {
    now: () => ({ pressure: known(chosen.pressure), slide: known(chosen.slide) }),
    menu: menuButton("What MIDI moves", () => [
      rowOf("pressure", "Pressure", null),
      rowOf("slide", "Slide (CC 74)", "handle"),
    ]),
  };
}

// The switch: a click asks for permission; later it only tells. Beside it, once there is a device, what its pressure moves.
export function midiSwitch(studio) {
  const targets = createTargets(studio);
  targets.menu[0].classList.add("options");
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
    targets.menu[0].hidden = kind !== "connected";
  }
  function onActivity() {
    light.classList.add("lit");
    clearTimeout(dark);
    dark = setTimeout(() => light.classList.remove("lit"), 120);
  }
  const request = navigator.requestMIDIAccess ? () => navigator.requestMIDIAccess() : null;
  const midi = createMidi({ studio, onState, onActivity, targets: targets.now, request });
  onState({ kind: request ? "idle" : "unsupported", names: [] });
  // Who allowed it on an earlier visit is not asked again; nobody else is asked without a click.
  const allowed = request && navigator.permissions?.query({ name: "midi" });
  allowed?.then(
    ({ state }) => state === "granted" && midi.connect(),
    () => null,
  );
  return [button, ...targets.menu];
}
