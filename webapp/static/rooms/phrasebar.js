// The phrase in the piano's rail: play, which one, how fast, looped or once.

import { numberField } from "../parts/controls.js";
import { labelOf } from "../parts/keylabels.js";
import { PHRASE_KEY } from "../parts/keys.js";
import { h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { PHRASES, TEMPO } from "../document/phrases.js";

export function phraseControls(studio) {
  const set = (change) => studio.dispatch({ type: "phrase", ...change });
  const play = h("button", { class: "tool framed play", onclick: toggle });
  const which = h(
    "select",
    { "aria-label": "Phrase", title: "Which phrase", onchange: () => set({ name: which.value }) },
    ...PHRASES.map(({ name, title }) => h("option", { value: name }, title)),
  );
  const tempo = numberField({
    min: String(TEMPO[0]),
    max: String(TEMPO[1]),
    step: "1",
    inputmode: "numeric",
    "aria-label": "Tempo (BPM)",
    title: "Tempo (BPM)",
    set: (value) => set({ tempo: value }),
    read: () => studio.project.phrase.tempo,
    onkeydown: (event) => event.key === "Enter" && tempo.field.blur(),
  });
  const again = h(
    "button",
    {
      class: "tool again",
      "aria-label": "Loop the phrase",
      title: "Loop",
      onclick: () => set({ loop: !studio.project.phrase.loop }),
    },
    icon("loop"),
  );
  const settings = h("div", { class: "phrase", role: "group", "aria-label": "Phrase" }, which, tempo.field, again);
  let shown = null;

  function toggle() {
    if (studio.phrase.isOn()) studio.phrase.stop();
    else studio.phrase.start();
  }

  function draw() {
    const { phrase } = studio.project;
    const on = studio.phrase.isOn();
    which.value = phrase.name;
    tempo.show();
    again.setAttribute("aria-pressed", String(phrase.loop));
    if (on === shown) return;
    shown = on;
    const words = on ? "Stop the phrase" : "Play a phrase with this sound";
    play.replaceChildren(icon(on ? "stop" : "play"));
    play.classList.toggle("on", on);
    play.setAttribute("aria-label", words);
    play.title = `${words} (${labelOf(PHRASE_KEY)})`;
  }

  return { play, settings, toggle, draw };
}
