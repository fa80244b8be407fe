// Comparing: for as long as the button (or C) is held one hears another sound at the loudness of the present one. That
// is the sound that was pinned; without one it is A from B, and B from anywhere else.

import { h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { labelOf, onLabels } from "../parts/keylabels.js";
import { COMPARE_KEY, isLetter } from "../parts/keys.js";
import { nameOnBench } from "../parts/keeping.js";
import { soundText, titleOf } from "../document/sound.js";
import { target } from "../document/project.js";

let pinned = null; // {sound, name}

export function compareTools(studio, signal) {
  const { model } = studio;
  let on = false;

  const button = h(
    "button",
    {
      class: "tool compare",
      "aria-label": "Compare at equal loudness",
      "aria-pressed": "false",
      onpointerdown: press,
      onkeydown: byKey,
      onkeyup: stop,
      onblur: stop,
    },
    icon("compare"),
    h("span", {}, "Compare"),
  );
  const pin = h(
    "button",
    { class: "tool pin", "aria-label": "Pin this sound to compare with", "aria-pressed": "false", onclick: togglePin },
    icon("pin"),
  );
  const reading = h("output", { class: "compare-reading" });

  function other() {
    if (pinned) return pinned;
    const { a, b } = studio.project.slots;
    const { sound, name } = target(studio.project) === "b" ? a : b;
    return { sound, name: name ?? titleOf(sound, model) };
  }

  function press(event) {
    if (event.button !== 0) return;
    button.setPointerCapture(event.pointerId);
    start();
  }

  function byKey(event) {
    if (event.key === "Enter" && !event.repeat) {
      event.preventDefault();
      start();
    }
  }

  async function start() {
    if (on) return;
    on = true;
    draw();
    await studio.compare(other().sound).catch(() => {}); // the present sound's own request says what is wrong
    draw();
  }

  function stop() {
    if (!on) return;
    on = false;
    studio.compareOff();
    draw();
  }

  function togglePin() {
    pinned = pinned ? null : { sound: studio.sound, name: nameOnBench(studio) ?? titleOf(studio.sound, model) };
    draw();
  }

  function draw() {
    const { sound, name } = other();
    button.setAttribute("aria-pressed", String(on));
    button.disabled = soundText(sound) === studio.soundText && !on;
    button.title = `Hold (or hold ${labelOf(COMPARE_KEY)}) to hear ${name} as loud as this sound`;
    pin.setAttribute("aria-pressed", String(pinned !== null));
    pin.title = pinned ? `Compared with ${name}. Click to let it go` : "Pin this sound to compare with";
    const db = on ? studio.compareDb(sound) : null;
    reading.textContent = on
      ? `${name}${db === null ? "" : ` ${db < 0 ? "−" : "+"}${Math.abs(db).toFixed(1)} dB`}`
      : "";
  }

  const listen = (type, handler) => window.addEventListener(type, handler, { signal });
  for (const type of ["pointerup", "pointercancel"]) button.addEventListener(type, stop);
  listen("keydown", (event) => {
    if (!isLetter(event, COMPARE_KEY)) return;
    event.preventDefault(); // a list in focus would go to what begins with the letter
    if (!event.repeat) start();
  });
  listen("keyup", (event) => event.code === COMPARE_KEY && stop());
  listen("blur", stop);
  studio.enter("compare", { project: draw });
  onLabels(draw, signal);
  return h("div", { class: "compare-tools", role: "group", "aria-label": "Compare" }, button, pin, reading);
}
