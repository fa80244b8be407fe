// A MIDI file played by the model, each part with its sound: its notes, its parts, and the song it becomes.

import { h } from "../parts/dom.js";
import { hueOf } from "../document/sound.js";
import { pathOf } from "../document/songpath.js";
import { createAdders } from "./midi/adders.js";
import { createDetail } from "./midi/detail.js";
import { createFormat } from "./midi/format.js";
import { createHead } from "./midi/head.js";
import { createOpening } from "./midi/opening.js";
import { createParts } from "./midi/parts.js";
import { createPath } from "./midi/path.js";
import { createPlayer } from "./midi/player.js";
import { createRendering } from "./midi/rendering.js";
import { createRoll } from "./midi/roll.js";
import { createTimeline } from "./midi/timeline.js";

// What outlives the room when Gradio mounts it again.
const kept = {
  file: null, // {name, midi (base64), about}
  choices: [], // what plays each part of it, see parts.js
  format: { rate: 44100, subtype: "PCM_24", stems: false },
  job: null, // the rendering under way: {id, state, made}
  done: null, // what came of the last: {href, stems (address of the zip or null), about, made (text of what it was made of)}
};

export default function build(host, studio, { signal }) {
  const opening = createOpening(host, studio, opened);
  const { complain } = opening;
  const path = createPath(studio, draw);
  const timeline = createTimeline(studio, path, remove);
  const detail = createDetail(studio, path, remove);
  const adders = createAdders(studio, path);
  const parts = createParts(studio, { choices: () => kept.choices, choose, hueOfPart });
  const roll = createRoll({
    model: studio.model,
    path,
    shown: () => kept.file && { about: kept.file.about, hueOfPart },
    seek: (share) => player.goTo(share),
    signal,
  });
  const player = createPlayer({ studio, kept, at: roll.playAt, complain });
  const rendering = createRendering({ studio, kept, wish, made, changed: draw, complain, signal });

  const head = createHead({ otherFile: opening.choose, all });
  const song = h(
    "div",
    { class: "song" },
    head.element,
    h("div", { class: "stage" }, roll.element, timeline.element),
    detail.element,
    adders.element,
    parts.element,
    head.notices,
    h("div", { class: "foot" }, createFormat(kept.format, draw), player.element, rendering.working, rendering.button),
  );
  host.append(opening.picker, opening.problem, opening.blank, song, player.audio);

  async function opened(file) {
    await rendering.cancel();
    kept.done = null;
    kept.file = file;
    kept.choices = startChoices(file.about.parts);
    if (!path.stops.length) path.begin();
    path.chosen = null;
    parts.show(file.about.parts);
    draw();
  }

  function choose(number, choice) {
    kept.choices = kept.choices.map((one, index) => (index === number ? choice : one));
    draw();
  }

  // Drums stay what they are: a path plays melodies.
  function all(kind) {
    const { parts } = kept.file.about;
    const melodic = parts.some(({ drums }) => !drums);
    kept.choices = kept.choices.map((one, number) => (melodic && parts[number].drums ? one : { kind }));
    draw();
  }

  // The colour of a part: a hue, "path", or null for one that is left out.
  function hueOfPart(number) {
    const choice = kept.choices[number];
    if (choice.kind === "sound") return hueOf(choice.sound, studio.model);
    return { written: kept.file.about.parts[number].hue, path: "path", off: null }[choice.kind];
  }

  const isAlongPath = () => kept.choices.some(({ kind }) => kind === "path");

  // The focus stays within the path.
  function remove(id) {
    const focused = [timeline, detail].some(({ element }) => element.contains(document.activeElement));
    path.remove(id);
    if (focused) timeline.focus(path.chosen);
  }

  function wish() {
    return {
      midi: kept.file.midi,
      name: kept.file.name,
      parts: kept.choices.map(({ kind, sound }) => (kind === "sound" ? { sound } : kind)),
      ...(isAlongPath() ? { path: pathOf(path.stops) } : {}),
      ...(studio.project.tuning ? { tuning: studio.project.tuning } : {}),
      ...kept.format,
    };
  }

  // Two renderings of one text are alike.
  function made() {
    const { midi, ...rest } = wish();
    return JSON.stringify([midi.length, rest]);
  }

  function draw() {
    const { file, job, done, choices } = kept;
    opening.blank.hidden = Boolean(file);
    song.hidden = !file;
    if (!file) return;
    const fresh = done?.made === made();
    head.draw(file, choices, fresh ? done.about.notices : null);
    for (const { element } of [timeline, detail, adders]) element.hidden = !isAlongPath();
    timeline.draw(file.about.seconds);
    detail.draw(file.about.seconds);
    adders.draw();
    parts.draw();
    const empty = choices.every(({ kind }) => kind === "off") || (isAlongPath() && !path.stops.length);
    rendering.draw({ fresh, empty });
    player.element.hidden = Boolean(job) || !done;
    player.draw();
    roll.repaint();
  }

  const drawAdders = () => kept.file && adders.draw();
  const project = (before) => (before.tuning === studio.project.tuning ? drawAdders() : draw());
  studio.enter("midi", { project, library: drawAdders });
  if (kept.file) parts.show(kept.file.about.parts);
  draw();
  rendering.resume();
}

// As written; but a melody of drums, which a model without a kit has for them, is only heard if there is nothing else.
function startChoices(parts) {
  const melodic = parts.some(({ drums }) => !drums);
  return parts.map(({ drums, sound }) => ({ kind: melodic && drums && sound ? "off" : "written" }));
}
