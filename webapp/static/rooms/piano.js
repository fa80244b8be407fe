// The piano and its rail: octave, phrase, MIDI, hold, stop.

import { h, toggle } from "../parts/dom.js";
import { toolButton } from "../parts/controls.js";
import { icon } from "../parts/icons.js";
import { labelOf, onLabels } from "../parts/keylabels.js";
import { OCTAVE_DOWN, OCTAVE_UP, PHRASE_KEY, SEMITONES } from "../parts/keys.js";
import { midiSwitch } from "../parts/midiinput.js";
import { readStorage, writeStorage } from "../parts/storage.js";
import { phraseControls } from "./phrasebar.js";
import { playByComputerKeys, playByPointer } from "./piano/hands.js";
import { createKeyboard } from "./piano/keyboard.js";
import { tuningMenu } from "./piano/tuning.js";

const FOLDED = "gansynth-studio:folded"; // storage key

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

  const help = () => window.dispatchEvent(new Event("studio:help"));
  const pointers = playByPointer(studio, keyboard, { signal });
  playByComputerKeys(
    studio,
    keyboard,
    { shift, togglePhrase: rail.phrase.toggle, help, left: liftFingers },
    { signal },
  );

  function liftFingers() {
    for (const pitch of pointers.values()) if (pitch !== null) studio.lift(pitch);
    pointers.clear();
  }

  const lowestOctave = () => (keyboard.isNarrow() ? model.low + 12 : model.low);

  function shift(by) {
    studio.dispatch({ type: "octave", octave: Math.max(lowestOctave(), studio.project.octave + by) });
  }

  function drawPlace() {
    const [low, high] = keyboard.drawPlace(
      Object.fromEntries(Object.keys(SEMITONES).map((code) => [code, labelOf(code)])),
    );
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

  onLabels(() => {
    drawPlace();
    rail.drawLetters();
  }, signal);
  studio.enter("piano", { project: drawProject, keys: drawKeys, power: drawPower });
  new ResizeObserver(drawPlace).observe(keyboard.element);
  keyboard.rove(studio.project.note);
  drawProject();
  drawKeys();
  drawPower();
}

// What stands above the keys.
function createRail(studio, { host, shift }) {
  const down = toolButton("Octave down", "previous", () => shift(-12));
  const up = toolButton("Octave up", "next", () => shift(12));
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
    { class: "tool more", "aria-label": "More of the piano", "aria-expanded": "false", onclick: unfold },
    icon("more"),
  );
  const fold = h("button", { class: "tool fold", onclick: turnKeys });
  const kbd = (...codes) => codes.map((code) => h("kbd", { "data-code": code }, labelOf(code) ?? code));
  const pedal = h(
    "span",
    { class: "pedal", title: "Sustain pedal: the space bar, or a MIDI pedal" },
    ...kbd("Space"),
    " sustain",
  );
  const hint = h(
    "p",
    { class: "hint" },
    h("span", {}, ...kbd("KeyA"), "–", ...kbd("Quote"), " play"),
    h("span", {}, ...kbd(OCTAVE_DOWN, OCTAVE_UP), " octave"),
    pedal,
    h("span", {}, ...kbd(PHRASE_KEY), " phrase"),
    h(
      "span",
      { class: "touch", title: "The nearer to its front edge you strike a key, the louder it sounds" },
      "lower is louder",
    ),
  );
  const phrase = phraseControls(studio);
  const tuning = tuningMenu(studio);

  // The keys give their room to what lies above, and come back; computer keys and MIDI play all the same.
  let folded = readStorage(FOLDED) === "yes";
  function turnKeys() {
    folded = !folded;
    writeStorage(FOLDED, folded ? "yes" : "no");
    drawFold();
  }
  function drawFold() {
    host.classList.toggle("folded", folded);
    fold.replaceChildren(icon(folded ? "up" : "down"));
    fold.title = folded ? "Show the keys" : "Fold the keys away";
    fold.setAttribute("aria-label", fold.title);
    fold.setAttribute("aria-expanded", String(!folded));
  }
  drawFold();

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
      fold,
    ),
    phrase,
    drawOctave({ text, isLowest, isHighest }) {
      range.textContent = text;
      down.disabled = isLowest;
      up.disabled = isHighest;
    },
    drawLetters() {
      for (const cap of hint.querySelectorAll("kbd")) cap.textContent = labelOf(cap.dataset.code) ?? cap.dataset.code;
      down.title = `Octave down (${labelOf(OCTAVE_DOWN)})`;
      up.title = `Octave up (${labelOf(OCTAVE_UP)})`;
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
