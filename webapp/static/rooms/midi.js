// A MIDI file played along a path of sounds: its notes, the path below them, and the song it becomes.

import { h, toggle } from "../parts/dom.js";
import { pathOf, timeText } from "../document/songpath.js";
import { createAdders } from "./midi/adders.js";
import { createDetail } from "./midi/detail.js";
import { createOpening } from "./midi/opening.js";
import { createPath } from "./midi/path.js";
import { createPlayer } from "./midi/player.js";
import { createRendering } from "./midi/rendering.js";
import { createRoll } from "./midi/roll.js";
import { createTimeline } from "./midi/timeline.js";

// What outlives the room when Gradio mounts it again.
const kept = {
  file: null, // {name, midi (base64), about}
  drums: false,
  job: null, // the rendering under way: {id, state, made}
  done: null, // what came of the last: {href, about, made (text of what it was made of)}
};

export default function build(host, studio, { signal }) {
  const opening = createOpening(host, studio, opened);
  const { complain } = opening;
  const path = createPath(studio, draw);
  const timeline = createTimeline(studio, path, remove);
  const detail = createDetail(studio, path, remove);
  const adders = createAdders(studio, path);
  const roll = createRoll({
    model: studio.model,
    path,
    shown: () => kept.file && { about: kept.file.about, drums: kept.drums },
    seek: (share) => player.goTo(share),
    signal,
  });
  const player = createPlayer({ studio, kept, at: roll.playAt, complain });
  const rendering = createRendering({
    studio,
    kept,
    wish: () => ({ midi: kept.file.midi, path: pathOf(path.stops), drums: kept.drums, name: kept.file.name }),
    made,
    changed: draw,
    complain,
    signal,
  });

  const title = h("strong", { class: "title" });
  const facts = h("span", { class: "facts" });
  const withDrums = toggle("Play drums", "The same sounds play the drum channel, as if it were a melody", (on) => {
    kept.drums = on;
    draw();
  });
  const notices = h("ul", { class: "notices", "aria-label": "Differences from the file" });
  const song = h(
    "div",
    { class: "song" },
    h("div", { class: "head" }, title, facts, h("button", { class: "button", onclick: opening.choose }, "Other file")),
    h("div", { class: "stage" }, roll.element, timeline.element),
    detail.element,
    adders.element,
    notices,
    withDrums.element,
    h("div", { class: "foot" }, player.element, rendering.working, rendering.button),
  );
  host.append(opening.picker, opening.problem, opening.blank, song, player.audio);

  async function opened(file) {
    await rendering.cancel();
    kept.done = null;
    kept.file = file;
    kept.drums = file.about.drums > 0 && file.about.notes === 0;
    if (!path.stops.length) path.begin();
    path.chosen = null;
    draw();
  }

  // The focus stays within the path.
  function remove(id) {
    const focused = [timeline, detail].some(({ element }) => element.contains(document.activeElement));
    path.remove(id);
    if (focused) timeline.focus(path.chosen);
  }

  // Two renderings of one text are alike.
  function made() {
    return JSON.stringify([kept.file.name, kept.drums, pathOf(path.stops)]);
  }

  function draw() {
    const { file, drums, job, done } = kept;
    opening.blank.hidden = Boolean(file);
    song.hidden = !file;
    if (!file) return;
    const fresh = done?.made === made();
    drawFacts(file, drums, fresh ? done.about.notices : file.about.notices[drums ? "with" : "without"]);
    timeline.draw(file.about.seconds);
    detail.draw(file.about.seconds);
    adders.draw();
    rendering.draw({ fresh, empty: !path.stops.length });
    player.element.hidden = Boolean(job) || !done;
    player.draw();
    roll.repaint();
  }

  function drawFacts({ name, about }, drums, differences) {
    const counted = drums ? about.notes + about.drums : about.notes;
    title.textContent = name;
    title.title = name;
    const notes = `${counted.toLocaleString("en")} ${counted === 1 ? "note" : "notes"}`;
    facts.textContent = `${timeText(about.seconds)} · ${notes} · ${about.low}–${about.high}`;
    withDrums.element.hidden = !about.drums;
    withDrums.box.checked = drums;
    notices.replaceChildren(...differences.map((sentence) => h("li", {}, sentence)));
    notices.hidden = !differences.length;
  }

  const drawAdders = () => kept.file && adders.draw();
  studio.enter("midi", { project: drawAdders, library: drawAdders });
  draw();
  rendering.resume();
}
