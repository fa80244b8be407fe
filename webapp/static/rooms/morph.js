// The line between two sounds: a tile for each end and a handle between them that is heard while it is dragged.

import { h, toast } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { drawPlayButton, glideOf, LINE } from "./glide.js";
import { createKeyframes, LINE_LEVELS } from "../audio/keyframes.js";
import { menuButton } from "../parts/menu.js";
import { runner } from "../parts/runner.js";
import { hueOf } from "../document/sound.js";
import { createSlot } from "./slots.js";
import { soundOf } from "../document/project.js";
import { show } from "../parts/tabs.js";

const HOVER_MS = 60; // a hand that rests over the line so long is about to take hold of it
const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -4, PageUp: 4 };

export default function build(host, studio) {
  const { model } = studio;
  let hovering = null;
  let holding = false;

  const at = (t) => ({ type: "handle", mode: "line", t });
  const tiles = [
    createSlot(studio, "a", { go: at(0), other: "b" }),
    createSlot(studio, "b", { go: at(1), other: "a" }),
  ];
  const handle = h("input", {
    type: "range",
    min: "0",
    max: "1",
    step: "0.001",
    "aria-label": "Morph from A to B",
    title: "Double-click: back to the middle",
    oninput: move,
    onchange: letGo,
    onkeydown: fine,
  });
  const way = runner(handle, {
    over(_, held) {
      clearTimeout(hovering);
      if (held) grasp();
      else hovering = setTimeout(prefetch, HOVER_MS);
    },
    left: () => clearTimeout(hovering),
    released: letGo, // also where it was taken: it has not changed then
    doubled: () => studio.dispatch(at(0.5)),
    tap: true,
  });
  const reading = h("output", { class: "reading" });
  host.append(tiles[0].element, h("div", { class: "line" }, way, reading), tiles[1].element, createTools(studio));

  const frames = createKeyframes({
    levels: LINE_LEVELS,
    soundAt: ([t]) => soundOf({ ...studio.project, morph: { mode: "line", t } }),
    isReady: studio.isReady,
    prepare: studio.prepare,
    isQuiet: studio.isQuiet,
  });

  const prefetch = () => frames.prefetch([Number(handle.value)]);

  function grasp() {
    holding = true;
    prefetch();
  }

  function move() {
    const t = Number(handle.value);
    studio.drag(at(t), { near: frames.near([t]) });
  }

  function letGo() {
    holding = false;
    frames.forget();
    studio.drop();
  }

  function fine(event) {
    const to = keyedTo(event, studio.project.morph.t);
    if (to === undefined) return;
    event.preventDefault();
    studio.dispatch(at(Math.round(to * 1000) / 1000));
  }

  function draw(before) {
    const { project } = studio;
    const { t, mode, y } = project.morph;
    for (const tile of tiles) tile.draw();
    handle.value = String(t);
    const isAside = mode === "pad" && y > 0;
    host.classList.toggle("aside", isAside);
    host.style.setProperty("--hue-a", hueOf(project.slots.a.sound, model));
    host.style.setProperty("--hue-b", hueOf(project.slots.b.sound, model));
    host.style.setProperty("--at", t);
    const percent = `${Math.round(t * 100)} %`;
    reading.textContent = isAside ? "on the pad" : percent;
    handle.setAttribute("aria-valuetext", isAside ? `${percent} across the pad` : `${percent} of B`);
    // Another key under the hand needs keyframes of its own.
    if (holding && before?.note !== project.note) prefetch();
    if (!holding && (before?.note !== project.note || before.slots !== project.slots)) frames.rest([t]);
  }

  studio.enter("morph", { project: draw });
  draw();
}

// What one does with the whole line: play it over time, save it, swap its ends.
function createTools(studio) {
  const glide = glideOf(studio);
  const overTime = () => LINE;
  const play = h("button", { class: "tool", onclick: playOverTime });
  const swap = h(
    "button",
    { class: "tool swap", "aria-label": "Swap A and B", title: "Swap A and B", onclick: exchange },
    icon("swap"),
  );
  const more = menuButton("Morph options", () => [
    { title: "Save A → B over time as WAV", act: () => glide.download(LINE).catch((error) => toast(error.message)) },
    { title: "Put it on the pad as a path", act: () => (studio.dispatch({ type: "path", path: LINE }), show("pad")) },
    { title: "Swap A and B", act: exchange },
  ]);
  function exchange() {
    studio.dispatch({ type: "swap" });
  }

  function playOverTime() {
    if (glide.state(overTime)) glide.stop();
    else glide.play(overTime).catch((error) => toast(error.message));
  }

  function drawPlay() {
    drawPlayButton(play, glide.state(overTime), { start: "Play A → B over time", stop: "Stop A → B" });
  }

  glide.onChange("morph", drawPlay);
  drawPlay();
  return h("div", { class: "tools" }, play, ...more, swap);
}

// Where a key takes the handle from `t`; undefined for keys that mean nothing here.
function keyedTo({ key, shiftKey }, t) {
  if (key === "Home") return 0;
  if (key === "End") return 1;
  return key in STEPS ? t + STEPS[key] * (shiftKey ? 0.005 : 0.05) : undefined;
}
