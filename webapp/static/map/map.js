// The map: every point a sound. Hovering is hearing; a click puts a sound into A, a drag from one point to another morphs,
// a drag over empty space blends what lies around, a lasso selects.

import { createFindLike } from "./alike.js";
import { fetchAtlas } from "./atlas.js";
import { createBar, createTools } from "./bar.js";
import { createSky } from "./canvas.js";
import { createDrags } from "./drags.js";
import { createHearing } from "./hearing.js";
import { createLight } from "./light.js";
import { createNeighbours } from "./neighbours.js";
import { createOverlay } from "./overlay.js";
import { createOwns } from "./owns.js";
import { createSelection } from "./selection.js";
import { createWalk } from "./walk.js";
import { createWords } from "./words.js";
import { h } from "../parts/dom.js";
import { watchGestures } from "../parts/gestures.js";
import { onFindLike } from "../parts/likeness.js";
import { onTheme } from "../parts/theme.js";

const FINGERS = matchMedia("(pointer: coarse)");
const [LEAST_WIDTH, LEAST_HEIGHT] = [600, 420]; // pixels, for a legend beside the points

export function frame(host) {
  const empty = h("p", { class: "empty", role: "status" }, "Loading the map …");
  host.append(empty);
  return empty;
}

export default async function open(host, studio, { signal, framed: empty }) {
  let atlas = null;
  try {
    atlas = await fetchAtlas(studio);
  } catch (error) {
    empty.textContent = `No map: ${error.message}`;
    return;
  }
  if (signal.aborted) return;
  if (atlas.missing) {
    empty.replaceChildren(
      "This model has no map yet. Make one with",
      h("code", {}, atlas.missing),
      "and reload the page.",
    );
    return;
  }
  empty.remove();
  build(host, studio, atlas, signal);
}

function build(host, studio, atlas, signal) {
  const field = h("div", {
    class: "sky",
    role: "application",
    tabindex: "0",
    "aria-label": `Map of ${atlas.points} sounds`,
    "aria-describedby": "map-help",
    onkeydown: (event) => walk.press(event),
    onblur: () => walk.leave(),
  });
  const bar = createBar(atlas, studio.model, {
    find: () => light.light(),
    go: () => sky.show([...sky.lit.keys()].filter((point) => sky.lit[point])),
    leave: () => sky.fit(),
    arrange,
    paint: () => light.paint(),
  });
  const sky = createSky({
    layouts: atlas.layouts,
    first: "latent",
    insets: () => insetsBeside(light.legend),
    drawOver: (pen, now) => (words.place(), overlay.draw(pen, now)),
  });
  const tools = createTools(sky, (mode) => (field.dataset.tool = mode ?? ""));

  const map = { studio, atlas, sky };
  const words = createWords({ ...map, bar });
  const light = createLight({ host, model: studio.model, atlas, sky, bar, changed: words.tell });
  const owns = createOwns(map);
  const overlay = createOverlay({ ...map, light, owns, moment });
  const look = createNeighbours({ ...map, character: light.character, found: () => (sky.repaint(), words.tell()) });
  const hearing = createHearing({ ...map, field, describe: words.describe, ripple: overlay.ripple });
  const selection = createSelection({
    ...map,
    nameOf: words.nameOf,
    play: (point) => (words.describe(point), hearing.hear(point)),
    rested: () => (words.describe(hearing.hovered()), studio.hush()),
    changed: (sentence) => (sentence && words.announce(sentence), words.tell()),
  });
  const drags = createDrags({
    ...map,
    hit: hearing.hit,
    passing: (point) => words.describes(point) || words.describe(point),
    gathered: selection.choose,
  });
  const walk = createWalk({
    ...map,
    hovered: hearing.hovered,
    on: {
      visit: (point) => (words.describe(point), words.say(point), hearing.hear(point)),
      put,
      select: selection.toggle,
      escape: () => gestures.cancel() || selection.stop() || selection.clear(),
    },
  });

  field.append(...sky.canvases);
  watchRoom(host);
  const shown = [field, light.legend, tools.element, words.label, words.note, selection.element, bar.filters];
  host.append(bar.element, h("div", { class: "field" }, ...shown), words.help, words.said);
  const gestures = watchGestures(field, {
    tool: tools.mode,
    on: handling({ ...map, words, hearing, selection, drags, owns, put }),
    signal,
  });

  function put(point, slot) {
    words.begun();
    overlay.ripple(point);
    studio.dispatch({ type: "put", slot, sound: atlas.sound(point) });
    words.say(point, `is now ${slot.toUpperCase()}`);
  }

  function arrange(name) {
    sky.arrange(name);
    bar.press(name);
    hearing.unhover();
  }

  // What the pointer, the keyboard and a drag show of themselves.
  function moment(on) {
    const place = (point) => (point === null ? null : on(point));
    return { ...drags.scene(on), hover: place(hearing.hovered()), cursor: place(walk.cursor()) };
  }

  function changed() {
    look(owns.sounds());
    sky.repaint();
    words.tell();
  }

  studio.enter("map", { project: changed, library: changed, power: words.tell });
  onTheme(light.paint, signal);
  onFindLike(createFindLike({ ...map, light, arrange }), signal);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(light.paint), { signal });
  signal.addEventListener("abort", () => (selection.stop(), sky.leave()));
  arrange("latent");
  light.paint();
  light.light();
  changed();
  studio.map = forTests(map, field);
}

// What pointers do.
function handling({ studio, sky, words, hearing, selection, drags, owns, put }) {
  function tap(at, { second, toggle }) {
    const own = owns.hit(at);
    if (own) return studio.dispatch({ type: "put", slot: second ? "b" : "a", sound: own.sound, name: own.name });
    const point = hearing.hit(at);
    if (point === null) return selection.clear();
    if (toggle) return selection.toggle(point);
    if (at.touch && !second && hearing.firstTap(point)) return undefined;
    put(point, second ? "b" : "a");
    if (second && at.touch) navigator.vibrate?.(15);
    return undefined;
  }

  return {
    hover: (at) => (owns.hover(at) ? hearing.unhover() : hearing.hover(at)),
    leave: () => (owns.hover(null), hearing.unhover()),
    tap,
    begin(at, kind) {
      selection.stop();
      words.begun();
      drags.begin(at, kind);
    },
    move: drags.move,
    end() {
      const sentence = drags.end();
      words.describe(null);
      if (sentence) words.announce(sentence);
    },
    cancel: () => (drags.cancel(), words.describe(null)),
    pan: (dx, dy) => (sky.pan(dx, dy), hearing.unhover()),
    zoom: (factor, at) => (sky.zoom(factor, at), hearing.unhover()),
  };
}

// The legend lies beside the points where there is room for all of it, else below them.
function watchRoom(host) {
  new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = host;
    host.classList.toggle("below", FINGERS.matches || width < LEAST_WIDTH || height < LEAST_HEIGHT);
  }).observe(host);
}

// What the canvas has lying over it where it is wide; on a phone the legend stands below it.
function insetsBeside(legend) {
  const over = getComputedStyle(legend).position === "absolute";
  return { left: over ? legend.offsetWidth + 18 : 14, top: 14, right: 58, bottom: 34 };
}

// For tests and the benchmark: where a point is on the page, and how many times the points were painted.
const forTests = ({ atlas, sky }, field) => ({
  atlas,
  sky,
  client(point) {
    const box = field.getBoundingClientRect();
    const { x, y } = sky.toScreen(sky.place(point));
    return { x: box.left + x, y: box.top + y };
  },
});
