// Your sound: a recording, the part of it that is heard, and the sound that the voice makes of it.

import { h } from "../parts/dom.js";
import { onOpenOriginal } from "../parts/originals.js";
import { createEncoding } from "./own/encoding.js";
import { createMaking } from "./own/making.js";
import { createOpening } from "./own/opening.js";
import { createResult } from "./own/result.js";
import { createTrim } from "./own/trim.js";

// What outlives the room when Gradio mounts it again.
const kept = {
  name: "",
  recording: null, // {samples, rate}
  part: null, // {from, to} in seconds
  pitch: null, // that somebody chose; null to have it found
  job: null, // see encoding.js
  made: null, // {sound, name, pitch, key, pitched, distance, guess, instruments, part, asked, original, ours, note}
};

export default function build(host, studio, { signal }) {
  const { model } = studio;
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const reading = h("p", { class: "reading", role: "status", hidden: true });
  const encoding = createEncoding({ studio, kept, changed: draw, complain, signal });
  const making = createMaking({ studio, kept, encoding, changed: draw, complain });
  const opening = createOpening(studio, { opened: making.open, complain, busy, signal });
  const trim = createTrim({ state: shown, moved, signal });
  const result = createResult(studio, { made: () => kept.made, closer: making.closer, put: making.put });
  const pitch = createPitch(studio, making.make);
  const title = h("h2", { class: "title" });
  const facts = h("span", { class: "facts" });
  const button = h("button", { class: "button strong", onclick: making.make });
  const sheet = h(
    "div",
    { class: "sheet" },
    h("div", { class: "head" }, title, facts, h("div", { class: "ways" }, ...opening.buttons("Another file"))),
    trim.element,
    h("div", { class: "asked" }, ...pitch.elements, button, encoding.element),
    result.element,
  );
  host.append(opening.picker, problem, reading, opening.meter, opening.blank, sheet);

  function complain(sentence) {
    problem.hidden = !sentence;
    problem.textContent = sentence ?? "";
  }

  function busy(doing) {
    reading.hidden = !doing;
    reading.textContent = doing ?? "";
  }

  // What the wave is drawn of.
  function shown() {
    const { recording, part, made } = kept;
    if (!recording) return null;
    const seen = made?.ours ? { part: made.part, ours: made.ours, rate: model.rate } : null;
    return { recording, part, longest: model.seconds, made: seen };
  }

  function moved(part, isOver) {
    kept.part = part;
    if (isOver) draw();
    else trim.draw();
  }

  function draw() {
    const { recording, part, made, job, name } = kept;
    opening.blank.hidden = Boolean(recording);
    sheet.hidden = !recording;
    if (!recording) return;
    title.textContent = name;
    title.title = name;
    const [whole, long] = [recording.samples.length / recording.rate, part.to - part.from];
    facts.textContent = `${long.toFixed(2)} s${long < whole - 0.02 ? ` of ${whole.toFixed(whole < 10 ? 2 : 1)} s` : ""}`;
    const isFresh = made && made.asked === kept.pitch && made.part.from === part.from && made.part.to === part.to;
    button.hidden = Boolean(job) || Boolean(isFresh);
    button.textContent = made ? "Make it again" : "Make the sound";
    pitch.draw();
    encoding.draw();
    result.draw(Boolean(job));
    trim.draw();
  }

  const drawResult = () => result.draw(Boolean(kept.job));
  onOpenOriginal(making.reopen, signal);
  studio.enter("own", { project: drawResult, library: drawResult });
  draw();
  encoding.resume();
  if (kept.made && !kept.made.ours) making.fetchOurs();
}

// The pitch that was found, or that somebody knows better.
function createPitch({ model, pitchName }, make) {
  const box = h("select", {
    id: "own-pitch",
    onchange() {
      kept.pitch = box.value === "" ? null : Number(box.value);
      make();
    },
  });
  const found = h("option", { value: "" });
  const keys = model.keys.map((key, index) => h("option", { value: String(model.low + index) }, key));
  box.append(found, ...keys.reverse());

  function foundText({ pitch, key, pitched }) {
    const cents = Math.round(100 * (pitch - key));
    const tuned = cents ? ` ${cents > 0 ? "+" : "−"}${Math.abs(cents)} cents` : "";
    return pitched ? `${pitchName(key)}${tuned} (found)` : `No clear pitch: as ${pitchName(key)}`;
  }

  return {
    elements: [h("label", { for: "own-pitch" }, "Pitch"), box],
    draw() {
      const { made } = kept;
      found.textContent = made && made.asked === null ? foundText(made) : "Find it";
      box.value = kept.pitch === null ? "" : String(kept.pitch);
    },
  };
}
