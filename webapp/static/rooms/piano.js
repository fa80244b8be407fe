// The piano and its rail: octave, phrase, MIDI, hold, stop.

import { h, toggle } from "../parts/dom.js";
import { toolButton } from "../parts/controls.js";
import { icon } from "../parts/icons.js";
import { keyLabels, SEMITONES } from "../parts/keys.js";
import { midiSwitch } from "../parts/midiinput.js";
import { phraseControls } from "./phrasebar.js";
import { playByComputerKeys, playByPointer } from "./piano/hands.js";
import { createKeyboard } from "./piano/keyboard.js";
import { tuningMenu } from "./piano/tuning.js";

export default function build(host, studio, { signal }) {
  const { model, engine, pitchName } = studio;
  const keyboard = createKeyboard(studio, host);
  const rail = createRail(studio, { host, shift });
  const veil = h(
    "button",
    { class: "veil", onclick: () => engine.enable() },
    h("span", {}, icon("sound"), "Click to enable sound"),
  );
  host.append(rail.element, h("div", { class: "case" }, keyboard.element, veil));

  const pointers = playByPointer(studio, keyboard, { signal });
  playByComputerKeys(studio, keyboard, { shift, togglePhrase: rail.phrase.toggle, left: liftFingers }, { signal });

  function liftFingers() {
    for (const pitch of pointers.values()) if (pitch !== null) studio.lift(pitch);
    pointers.clear();
  }

  const lowestOctave = () => (keyboard.isNarrow() ? model.low + 12 : model.low);

  function shift(by) {
    studio.dispatch({ type: "octave", octave: Math.max(lowestOctave(), studio.project.octave + by) });
  }

  let letters = Object.fromEntries(Object.keys(SEMITONES).map((code) => [code, ""]));
  function drawPlace() {
    const [low, high] = keyboard.drawPlace(letters);
    const { octave } = studio.project;
    rail.drawOctave({
      text: `${pitchName(low)}–${pitchName(high)}`,
      isLowest: octave <= lowestOctave(),
      isHighest: octave >= model.high - 12,
    });
  }

  function drawKeys() {
    const state = studio.keys();
    keyboard.drawKeys(state);
    rail.drawKeys(state);
  }

  function drawProject(before) {
    rail.drawProject();
    if (before?.octave !== studio.project.octave) drawPlace();
  }

  function drawPower() {
    veil.hidden = engine.isRunning();
  }

  keyLabels().then((printed) => {
    letters = printed;
    drawPlace();
  });
  studio.enter("piano", { project: drawProject, keys: drawKeys, power: drawPower });
  new ResizeObserver(drawPlace).observe(keyboard.element);
  keyboard.rove(studio.project.note);
  drawProject();
  drawKeys();
  drawPower();
}

// What stands above the keys.
function createRail(studio, { host, shift }) {
  const octaveButton = (name, key, by, drawing) =>
    toolButton(name, drawing, () => shift(by), { title: `${name} (${key})` });
  const down = octaveButton("Octave down", "Z", -12, "previous");
  const up = octaveButton("Octave up", "X", 12, "next");
  const range = h("output", { class: "range", "aria-live": "polite" });
  const sustain = toggle("Hold", "Notes ring on after you let go", (on) => studio.dispatch({ type: "hold", on }));
  const stop = h(
    "button",
    { class: "button stop", "aria-label": "Stop", title: "Stop all sound (Esc)", onclick: () => studio.silence() },
    icon("stop"),
    h("span", {}, "Stop"),
  );
  const more = h(
    "button",
    { class: "tool more", "aria-label": "Phrase and MIDI", "aria-expanded": "false", onclick: unfold },
    icon("more"),
  );
  const kbd = (...letters) => letters.map((letter) => h("kbd", {}, letter));
  const pedal = h(
    "span",
    { class: "pedal", title: "Sustain pedal: the space bar, or a MIDI pedal" },
    ...kbd("Space"),
    " sustain",
  );
  const hint = h(
    "p",
    { class: "hint" },
    h("span", {}, ...kbd("A"), "–", ...kbd("'"), " play"),
    h("span", {}, ...kbd("Z", "X"), " octave"),
    pedal,
    h("span", {}, ...kbd("V"), " phrase"),
    h(
      "span",
      { class: "touch", title: "The nearer to its front edge you strike a key, the louder it sounds" },
      "lower is louder",
    ),
  );
  const phrase = phraseControls(studio);
  const tuning = tuningMenu(studio);

  // On a phone the phrase's settings and MIDI have a line of their own, on demand.
  function unfold() {
    more.setAttribute("aria-expanded", String(host.classList.toggle("unfolded")));
  }

  return {
    element: h(
      "div",
      { class: "rail" },
      h("div", { class: "octave" }, down, range, up),
      hint,
      phrase.play,
      phrase.settings,
      ...midiSwitch(studio),
      ...tuning.elements,
      more,
      sustain.element,
      stop,
    ),
    phrase,
    drawOctave({ text, isLowest, isHighest }) {
      range.textContent = text;
      down.disabled = isLowest;
      up.disabled = isHighest;
    },
    drawKeys(state) {
      pedal.classList.toggle("down", state.pedal);
      phrase.draw();
    },
    drawProject() {
      sustain.box.checked = studio.project.hold;
      tuning.draw();
      phrase.draw();
    },
  };
}
