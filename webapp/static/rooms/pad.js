// The pad: four sounds at its corners and a puck between them that is heard while it moves. A path drawn over it becomes
// one note whose timbre moves.

import { h, isShown, toast } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { glideOf } from "./glide.js";
import { createKeyframes, PAD_LEVELS } from "../audio/keyframes.js";
import { onTheme, themeName } from "../parts/theme.js";
import { menuButton } from "../parts/menu.js";
import { pathAt, pathOf } from "../document/path.js";
import { canonical, hueOf } from "../document/sound.js";
import { collect, createSlot, letterOf, nameOf, SERIES } from "./slots.js";
import { clamp } from "../document/numbers.js";
import { HELD, SLOTS, soundOf } from "../document/project.js";

const CORNERS = { a: [0, 0], b: [1, 0], c: [0, 1], d: [1, 1] };
const HOVER_MS = 60; // a hand that rests over the pad so long is about to take hold of it
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const GROUND = { dark: [0.36, 0.085], light: [0.86, 0.075] }; // lightness and chroma of the corners
const GROUND_PIXELS = [48, 32]; // the browser smooths what lies between

const svg = (tag, attributes = {}) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

// How much of each corner lies at a place.
const sharesAt = (x, y) => ({ a: (1 - x) * (1 - y), b: x * (1 - y), c: (1 - x) * y, d: x * y });

// Hues mixed by their shares as light is, without detours over other hues. What cancels out goes to grey sooner than
// light does: the little that is left of many hues looks like mud.
function mixed(hues, shares, lightness, chroma) {
  const sum = (of) => hues.reduce((all, hue, index) => all + shares[index] * chroma * of((hue * Math.PI) / 180), 0);
  const [a, b] = [sum(Math.cos), sum(Math.sin)];
  const left = Math.hypot(a, b) / chroma;
  return `oklab(${lightness} ${a * left ** 2} ${b * left ** 2})`;
}

export default function build(host, studio, { signal }) {
  const { model } = studio;
  let hovering = null;
  let holding = false; // the pad's own handle is in the hand
  let drawing = false; // the next movement becomes the path
  let recorded = []; // [milliseconds, x, y] of the path under way

  const at = (x, y) => ({ type: "handle", mode: "pad", x, y });
  const corners = SLOTS.map((slot) => createSlot(studio, slot, { go: at(...CORNERS[slot]) }));
  const ground = h("canvas", {
    class: "ground",
    width: GROUND_PIXELS[0],
    height: GROUND_PIXELS[1],
    "aria-hidden": "true",
  });
  const threads = Object.fromEntries(
    SLOTS.map((slot) => [slot, svg("line", { class: "thread", x2: CORNERS[slot][0], y2: CORNERS[slot][1] })]),
  );
  const overlay = svg("svg", {
    class: "overlay",
    viewBox: "0 0 1 1",
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  const line = svg("polyline", { class: "path" });
  overlay.append(...Object.values(threads), line);
  const anchors = Object.fromEntries(
    SLOTS.map((slot) => [slot, h("span", { class: "anchor", "aria-hidden": "true" })]),
  );
  for (const [slot, [x, y]] of Object.entries(CORNERS))
    Object.assign(anchors[slot].style, { left: `${x * 100}%`, top: `${y * 100}%` });
  const begin = h("span", { class: "begin", "aria-hidden": "true" });
  const dot = h("span", { class: "dot", "aria-hidden": "true", hidden: true });
  const glow = h("span", { class: "glow", "aria-hidden": "true" });
  const puck = h("button", {
    class: "puck",
    role: "slider",
    "aria-label": "Place on the pad",
    "aria-valuemin": "0",
    "aria-valuemax": "100",
    title: "Drag, or arrow keys (Shift: finer). Double click: the middle",
    onkeydown: walk,
  });
  const area = h("div", { class: "area" }, glow, overlay, ...Object.values(anchors), begin, dot, puck);
  const surface = h(
    "div",
    {
      class: "surface",
      onpointerenter: hover,
      onpointerleave: () => clearTimeout(hovering),
      onpointerdown: grasp,
      onpointermove: move,
      onpointerup: letGo,
      onpointercancel: letGo,
      ondblclick: () => studio.dispatch(at(0.5, 0.5)),
    },
    ground,
    area,
  );
  const glide = glideOf(studio);
  const drawn = () => studio.project.path;
  const pen = h(
    "button",
    {
      class: "button pen",
      "aria-pressed": "false",
      title: "The next movement of the puck becomes one note",
      onclick: () => setDrawing(!drawing),
    },
    icon("pen"),
    "Draw a path",
  );
  const play = h("button", { class: "tool framed", onclick: playPath });
  const loop = h(
    "button",
    {
      class: "tool framed",
      "aria-label": "Play round and round",
      title: "Play round and round",
      "aria-pressed": "false",
      onclick: turnLoop,
    },
    icon("loop"),
  );
  const seconds = h("input", {
    type: "number",
    min: "0.2",
    max: String(model.seconds),
    step: "0.1",
    inputmode: "decimal",
    "aria-label": "Seconds for the path",
    title: "Seconds for the path",
    onchange: () => {
      studio.dispatch({ type: "path", seconds: seconds.value === "" ? NaN : Number(seconds.value) });
      seconds.value = String(studio.project.pathSeconds);
    },
  });
  const transport = h(
    "div",
    { class: "transport", role: "group", "aria-label": "Path" },
    play,
    loop,
    h("span", { class: "unit" }, seconds, "s"),
    ...menuButton("More of the path", () => [
      { title: "Save as WAV", act: () => glide.download(drawn()).catch((error) => toast(error.message)) },
      {
        label: "Steps along it to the pack",
        row: SERIES.map((count) => ({
          title: String(count),
          name: `${count} steps to the pack`,
          act: () => series(count),
        })),
      },
      { title: "Clear the path", act: () => (glide.stop(), studio.dispatch({ type: "path", path: [] })) },
    ]),
  );
  const hint = h("p", { class: "hint" }, "A path becomes one note that moves");
  host.append(
    h("div", { class: "ends" }, corners[0].element, h("div", { class: "middle" }, pen), corners[1].element),
    surface,
    h("div", { class: "ends" }, corners[2].element, h("div", { class: "middle" }, transport, hint), corners[3].element),
  );

  const frames = createKeyframes({
    levels: PAD_LEVELS,
    soundAt,
    isReady: studio.isReady,
    prepare: studio.prepare,
    isQuiet: studio.isQuiet,
  });

  function soundAt([x, y]) {
    return soundOf({ ...studio.project, morph: { mode: "pad", x, y } });
  }

  // Only for a pad in sight.
  function rest() {
    const { x, y } = studio.project.morph;
    if (isShown(surface)) frames.rest([x, y]);
  }

  function fetchFrames(place) {
    frames.fetch(place).catch(() => {
      // The drag is heard all the same, a little later.
    });
  }

  const round = (value) => Math.round(value * 500) / 500; // a pixel or two
  function placeOf(event) {
    const box = area.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((value) =>
      round(clamp(value, 0, 1)),
    );
  }

  function hover(event) {
    clearTimeout(hovering);
    if (event.pointerType === "mouse") hovering = setTimeout(() => fetchFrames(placeOf(event)), HOVER_MS);
  }

  function grasp(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    surface.setPointerCapture(event.pointerId);
    puck.focus({ preventScroll: true });
    holding = true;
    recorded = [];
    glide.stop();
    fetchFrames(placeOf(event));
    move(event);
  }

  function move(event) {
    if (!holding) return;
    const place = placeOf(event);
    if (drawing) record(event.timeStamp, place);
    studio.drag(at(...place), { near: frames.near(place) });
  }

  function letGo(event) {
    if (!holding) return;
    holding = false;
    frames.forget();
    if (drawing) record(event.timeStamp, placeOf(event));
    finish();
    studio.drop();
  }

  function record(time, place) {
    recorded.push([time, ...place]);
    drawPath();
  }

  // What was recorded becomes the path, in the same step as the movement itself, and is heard.
  function finish() {
    const path = pathOf(recorded);
    if (!drawing || !path) return;
    const took = (recorded.at(-1)[0] - recorded[0][0]) / 1000;
    recorded = [];
    setDrawing(false);
    studio.drag({ type: "path", path, seconds: Math.min(took, HELD * model.seconds) });
    if (studio.project.audition) playPath();
  }

  function setDrawing(on) {
    drawing = on;
    recorded = [];
    pen.setAttribute("aria-pressed", String(on));
    host.classList.toggle("drawing", on);
    if (on) puck.focus({ preventScroll: true });
    drawPath();
  }

  function playPath() {
    if (glide.state(drawn)) glide.stop();
    else glide.play(drawn, loop.getAttribute("aria-pressed") === "true").catch((error) => toast(error.message));
  }

  function turnLoop() {
    const on = loop.getAttribute("aria-pressed") !== "true";
    loop.setAttribute("aria-pressed", String(on));
    if (glide.state(drawn)) glide.setLoop(on);
  }

  function series(count) {
    const places = Array.from({ length: count }, (_, step) => pathAt(drawn(), step / (count - 1)));
    collect(
      studio,
      places.map((place, step) => ({ sound: canonical(soundAt(place)), name: `Path ${step + 1}` })),
    );
  }

  // With the pen, arrow keys draw as well: Enter ends the path, Escape leaves it.
  function walk(event) {
    if (drawing && (event.key === "Enter" || event.key === "Escape")) {
      event.preventDefault();
      if (event.key === "Escape") return setDrawing(false);
      finish();
      return studio.drop();
    }
    const by = STEPS[event.key];
    if (!by && event.key !== "Home") return;
    event.preventDefault();
    const { x, y } = studio.project.morph;
    const step = event.shiftKey ? 0.01 : 0.05;
    if (drawing && !recorded.length) record(event.timeStamp, [x, y]);
    studio.dispatch(by ? at(round(x + by[0] * step), round(y + by[1] * step)) : at(0.5, 0.5));
    if (drawing) record(performance.now(), [studio.project.morph.x, studio.project.morph.y]);
  }

  // The four hues and what lies between them.
  let painted = null;
  function paint() {
    const hues = SLOTS.map((slot) => hueOf(studio.project.slots[slot].sound, model));
    SLOTS.forEach((slot, index) => anchors[slot].style.setProperty("--hue", hues[index]));
    const look = themeName();
    if (painted === `${look} ${hues}`) return;
    painted = `${look} ${hues}`;
    const [lightness, chroma] = GROUND[look];
    const [width, height] = GROUND_PIXELS;
    const pen = ground.getContext("2d");
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const shares = Object.values(sharesAt(column / (width - 1), row / (height - 1)));
        pen.fillStyle = mixed(hues, shares, lightness, chroma);
        pen.fillRect(column, row, 1, 1);
      }
    }
  }

  function drawPath() {
    const points = drawing ? recorded : drawn();
    line.setAttribute("points", points.map(([, x, y]) => `${x},${y}`).join(" "));
    begin.hidden = !points.length;
    if (points.length) Object.assign(begin.style, { left: `${points[0][1] * 100}%`, top: `${points[0][2] * 100}%` });
    transport.hidden = !drawn().length;
    hint.hidden = drawn().length > 0;
    if (document.activeElement !== seconds) seconds.value = String(Math.round(studio.project.pathSeconds * 100) / 100);
  }

  function drawPlay() {
    const state = glide.state(drawn);
    const title = state ? "Stop the path" : "Play the path";
    play.replaceChildren(icon(state ? "stop" : "play"));
    play.classList.toggle("waiting", state === "waiting");
    play.title = title;
    play.setAttribute("aria-label", title);
    if (state === "playing" && dot.hidden) follow();
  }

  // A dot runs along the path while it plays.
  function follow() {
    const playing = host.isConnected && glide.state(drawn) === "playing" && drawn().length > 0;
    dot.hidden = !playing;
    if (!playing) return;
    const [x, y] = pathAt(drawn(), glide.position());
    Object.assign(dot.style, { left: `${x * 100}%`, top: `${y * 100}%` });
    requestAnimationFrame(follow);
  }

  function draw(before) {
    const { project } = studio;
    const { mode, x, y } = project.morph;
    const shares = sharesAt(x, y);
    SLOTS.forEach((slot, index) => {
      corners[index].draw(mode === "pad" ? shares[slot] : null);
      threads[slot].setAttribute("x1", x);
      threads[slot].setAttribute("y1", y);
      threads[slot].style.opacity = mode === "pad" ? 0.15 + 0.85 * shares[slot] : 0.1;
      threads[slot].style.strokeWidth = 0.5 + 2.5 * shares[slot];
    });
    host.classList.toggle("aside", mode !== "pad");
    for (const part of [puck, glow]) Object.assign(part.style, { left: `${x * 100}%`, top: `${y * 100}%` });
    const hues = SLOTS.map((slot) => hueOf(project.slots[slot].sound, model));
    host.style.setProperty("--here", mixed(hues, Object.values(shares), 0.8, 0.13));
    puck.setAttribute("aria-valuenow", Math.round(x * 100));
    puck.setAttribute(
      "aria-valuetext",
      SLOTS.filter((slot) => shares[slot] >= 0.005)
        .map((slot) => `${letterOf(slot)} ${nameOf(project.slots[slot], model)} ${Math.round(shares[slot] * 100)} %`)
        .join(", "),
    );
    paint();
    drawPath();
    // Another key under the hand needs keyframes of its own.
    if (holding && before?.note !== project.note) fetchFrames([x, y]);
    if (!holding && (before?.note !== project.note || before.slots !== project.slots)) rest();
  }

  studio.enter("pad", { project: draw });
  glide.onChange("pad", drawPlay);
  drawPlay();
  onTheme(paint, signal);
  window.addEventListener("studio:shown", ({ detail }) => detail === "pad" && rest(), { signal });
  draw();
}
