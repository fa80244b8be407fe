// What came of a recording: how near the sound is, both side by side at one loudness, and what one may do with it.

import { dbToGain } from "../../audio/adsr.js";
import { matchDb } from "../../audio/loudness.js";
import { itemWith } from "../../document/memory.js";
import { instrumentOf, soundText } from "../../document/sound.js";
import { h } from "../../parts/dom.js";
import { icon } from "../../parts/icons.js";
import { toggleFavourite } from "../../parts/keeping.js";
import { findLike } from "../../parts/likeness.js";

// Up to so many dB away is called so.
const WORDS = [
  [4, "very near"],
  [6, "near"],
  [9, "alike"],
  [Infinity, "only roughly alike"],
];
const ABOUT_DB =
  "How far the spectra are apart on average, over what is audible. Two takes of the same noise are 7.9 dB apart.";
const SHOWN_INSTRUMENTS = 3;

/**
 * `made()` is what is shown, or null (see own.js); closer() and put() act. Returns {element, draw}.
 * @param {import("../../types.js").Studio} studio
 */
export function createResult(studio, { made, closer, put }) {
  const { model } = studio;
  const distance = h("strong", { title: ABOUT_DB });
  const how = h("span", { class: "about" });
  const plays = { original: playButton("original", "Recording"), ours: playButton("ours", "Voice") };
  const nearer = h(
    "button",
    { class: "button", title: "Go on from here, for a sound that is nearer still", onclick: closer },
    "Closer",
  );
  const intoA = h("button", { class: "button", onclick: put }, "Put into A");
  const star = h("button", { class: "button star", onclick: keep }, icon("star"), h("span", {}));
  const near = h(
    "button",
    {
      class: "button",
      title: "Show on the map what sounds most like it",
      onclick: () => findLike(made().sound, made().name),
    },
    icon("like"),
    "On the map",
  );
  const element = h(
    "div",
    { class: "result" },
    h("p", { class: "how-near", role: "status" }, distance, how),
    h(
      "div",
      { class: "does" },
      h("div", { class: "pair", role: "group", "aria-label": "Compare at equal loudness" }, ...Object.values(plays)),
      nearer,
      star,
      near,
      intoA,
    ),
  );

  function playButton(which, title) {
    return h(
      "button",
      { class: "button", title: `Hear the ${title.toLowerCase()}, both as loud`, onclick: () => play(which) },
      icon("play"),
      title,
    );
  }

  async function play(which) {
    const { original, ours, pitch, key } = made();
    await studio.engine.enable();
    const isOurs = which === "ours";
    studio.playOnce(isOurs ? ours : original, {
      share: isOurs ? dbToGain(matchDb(ours, original, model.rate)) : 1,
      detune: isOurs ? pitch - key : 0,
      ms: (1000 * original.length) / model.rate,
    });
  }

  function keep() {
    const { sound, name, key } = made();
    toggleFavourite(studio, sound, name, key);
  }

  function words() {
    const { distance: db, guess, instruments } = made();
    const first = guess && guess - db > 0.1 ? ` (${guess.toFixed(1)} by the first guess)` : "";
    const titles = instruments
      .slice(0, SHOWN_INSTRUMENTS)
      .map(([name]) => instrumentOf(name, model)?.title)
      .filter(Boolean);
    return `${WORDS.find(([most]) => db <= most)[1]}${first}${titles.length ? `. Heard as ${titles.join(", ")}` : ""}`;
  }

  return {
    element,
    // `busy`: it is being made anew.
    draw(busy) {
      const now = made();
      element.hidden = !now;
      if (!now) return;
      distance.textContent = `${now.distance.toFixed(1)} dB away`;
      how.textContent = now.note ?? words();
      const text = soundText(now.sound);
      const isKept = Boolean(itemWith(studio.library.favourites, text));
      star.setAttribute("aria-pressed", String(isKept));
      star.lastChild.textContent = isKept ? "Kept" : "Keep";
      star.title = isKept ? "Take it out of the favourites" : "Keep it in the favourites, with its recording";
      for (const button of Object.values(plays)) button.disabled = !now.ours;
      nearer.disabled = busy;
      intoA.hidden = soundText(studio.project.slots.a.sound) === text;
    },
  };
}
