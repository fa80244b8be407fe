// The map: every point a sound. Hovering is hearing; a click puts a sound into A, a drag from one point to another morphs,
// a drag over empty space blends what lies around, a lasso gathers.

import { fetchAtlas, instrumentAt, islandsOf, LAYOUTS, placeOf, reading } from "./atlas.js";
import { h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { watchGestures } from "../parts/gestures.js";
import { colouring, createLegend, familyColour, familyOf, packed } from "./legend.js";
import { createDrags } from "./drags.js";
import { drawMarks, drawNames, fades } from "./marks.js";
import { isDark, onTheme } from "../parts/theme.js";
import { matches } from "../document/search.js";
import { neighbour } from "./scatter.js";
import { createSelection } from "./selection.js";
import { createSky } from "./canvas.js";
import { hueOf, instrumentOf, titleOf } from "../document/sound.js";
import { target } from "../document/project.js";

const TITLES = {
  latent: ["By model", "What the model makes alike lies together"],
  sound: ["By ear", "What measures alike lies together"],
};
const HIT = 10; // pixels around a point that are its own
const TOUCH_HIT = 22;
const LOOSE = 0.045; // of the map: an instrument whose points lie further apart is no island
const DWELL_MS = 20;
const CALM_MS = 180; // a pointer at rest this long: what lies around it is fetched (earlier it would stand in the way of the next one)
const AROUND = 8; // points fetched so
const SHOWN = ["brightness", "attack", "decay", "noisiness"];
const HINTS = {
  mouse: "Hover to hear. Click: A, Shift-click: B. Drag from a sound to morph, elsewhere to blend",
  touch: "Tap: A, hold: B. Drag from a sound to morph, elsewhere to blend",
};
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const FINGERS = matchMedia("(hover: none)");

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
  const { model, engine } = studio;
  const titles = atlas.names.map((name) => instrumentOf(name, model)?.title ?? name);
  let hovered = null; // point under the pointer
  let cursor = null; // point of the keyboard
  let ripples = [];
  let by = model.families.length ? "family" : (atlas.descriptors[0]?.name ?? "family");
  let only = null; // families that are switched on
  let dark = new Set(); // instruments none of whose points is bright
  let spot = null; // family under the pointer in the legend
  let used = false;

  // --- what there is to see and press -------------------------------------------------------------------------------

  const search = h("input", {
    type: "search",
    id: "map-search",
    placeholder: "Find on the map",
    "aria-label": "Find instruments on the map",
    autocomplete: "off",
    spellcheck: "false",
    oninput: light,
    onkeydown: searched,
  });
  const layouts = LAYOUTS.map((name) =>
    h("button", { title: TITLES[name][1], onclick: () => arrange(name) }, TITLES[name][0]),
  );
  const choices = [["family", "Family"], ...atlas.descriptors.map(({ name, title }) => [name, title])].filter(
    ([name]) => name !== "family" || model.families.length,
  );
  const colour = h(
    "select",
    { id: "map-colour", onchange: () => paint(colour.value) },
    ...choices.map(([value, title]) => h("option", { value }, title)),
  );
  const hand = tool("hand", "Move the map");
  const lasso = tool("lasso", "Select by drawing around (or hold Alt)");
  const press = (label, name, act) =>
    h("button", { class: "tool", "aria-label": label, title: label, onclick: act }, icon(name));
  const tools = h(
    "div",
    { class: "map-tools", role: "group", "aria-label": "Map" },
    hand,
    lasso,
    press("Zoom in", "zoomIn", () => sky.zoom(1.6, sky.middle(), { soon: true })),
    press("Zoom out", "zoomOut", () => sky.zoom(1 / 1.6, sky.middle(), { soon: true })),
    press("Show all", "showAll", () => sky.fit()),
  );
  const legend = createLegend({
    atlas,
    model,
    pick: (families) => ((only = families), light()),
    spotlight: (family) => ((spot = family), light()),
  });
  const label = h("div", { class: "name", hidden: true });
  const note = h("p", { class: "note" });
  const said = h("p", { class: "said", role: "status", "aria-live": "polite" });
  const sky = createSky({ layouts: atlas.layouts, first: "latent", insets, drawOver });
  const selection = createSelection({
    studio,
    atlas,
    sky,
    nameOf: (point) => nameOf(point),
    play: (point) => (describe(point), hear(point)),
    rested: () => (describe(hovered), studio.hush()),
    changed: (sentence) => (sentence && (said.textContent = sentence), tell()),
  });
  const drags = createDrags({
    studio,
    atlas,
    sky,
    hit,
    passing: (point) => described !== point && describe(point),
    gathered: selection.choose,
  });
  const field = h(
    "div",
    {
      class: "sky",
      role: "application",
      tabindex: "0",
      "aria-label": `Map of ${atlas.points} sounds`,
      "aria-describedby": "map-help",
      onkeydown: walk,
      onblur: () => ((cursor = null), sky.repaint()),
    },
    ...sky.canvases,
  );
  const help = h(
    "p",
    { class: "said", id: "map-help" },
    "Arrow keys go from sound to sound. Enter puts one into A, Shift and Enter into B, Control and Enter selects it.",
  );
  host.append(
    h(
      "div",
      { class: "map-bar" },
      search,
      h("div", { class: "choices", role: "group", "aria-label": "Layout" }, ...layouts),
      h("label", { for: "map-colour" }, "Colour"),
      colour,
    ),
    h("div", { class: "field" }, field, legend.element, tools, label, note, selection.element),
    help,
    said,
  );
  const gestures = watchGestures(field, {
    tool: () => mode,
    on: {
      hover,
      leave: unhover,
      tap,
      begin,
      move: drags.move,
      end,
      cancel,
      pan: (dx, dy) => (sky.pan(dx, dy), unhover()),
      zoom: (factor, at) => (sky.zoom(factor, at), unhover()),
    },
    signal,
  });

  let mode = null; // "hand" or "lasso": what a drag does instead
  function tool(name, label) {
    const button = h(
      "button",
      {
        class: "tool",
        "aria-label": label,
        title: label,
        "aria-pressed": "false",
        onclick: () => choose(mode === name ? null : name),
      },
      icon(name),
    );
    return button;
  }
  function choose(name) {
    mode = name;
    hand.setAttribute("aria-pressed", String(mode === "hand"));
    lasso.setAttribute("aria-pressed", String(mode === "lasso"));
    field.dataset.tool = mode ?? "";
  }

  // What lies over the canvas where it is wide; on a phone the legend stands below it.
  function insets() {
    const over = getComputedStyle(legend.element).position === "absolute";
    return { left: over ? legend.element.offsetWidth + 18 : 14, top: 14, right: 58, bottom: 34 };
  }

  // --- colours and light ----------------------------------------------------------------------------------------------

  let ink = null;
  function paint(next = by) {
    by = next;
    const dark = isDark();
    const style = getComputedStyle(host);
    ink = {
      strong: style.getPropertyValue("--ink"),
      ground: dark ? "#0d0f14" : "#fffdf8",
      veil: dark ? "rgb(255 255 255 / 0.08)" : "rgb(0 0 0 / 0.06)",
      onHue: dark ? "#121316" : "#ffffff",
      font: style.fontFamily,
      hue: (hue) => familyColour(hue, dark),
    };
    const { colours, palette, scale } = colouring(by, atlas, model, dark);
    legend.show(by, { palette, scale });
    sky.paint(colours, {
      dots: packed(palette),
      dim: packed([dark ? "#6f7480" : "#a59f92"])[0],
      glow: dark ? 0.34 : 0.3,
    });
  }

  // Which points are bright: what was typed, and the families that are switched on or pointed at.
  function light() {
    const wanted = atlas.names.map(
      (name, index) =>
        !search.value || matches(search.value, titles[index], instrumentOf(name, model)?.family.title ?? ""),
    );
    for (let point = 0; point < atlas.points; point++) {
      const family = familyOf(atlas, point, model);
      const chosen = spot !== null ? family === spot : !only || only.has(family);
      sky.lit[point] = Number(chosen && (wanted[atlas.owners[point]] ?? !search.value));
    }
    const lit = new Set(points((point) => sky.lit[point]).map((point) => atlas.owners[point]));
    dark = new Set(atlas.names.keys().filter((owner) => !lit.has(owner)));
    sky.flagged();
    tell();
  }

  function searched(event) {
    if (event.key === "Enter") {
      sky.show(points((point) => sky.lit[point]));
    } else if (event.key === "Escape") {
      search.value = "";
      light();
      sky.fit();
      search.blur();
    }
  }

  function hit(at) {
    return sky.nearest(at, 1, at.touch ? TOUCH_HIT : HIT)[0]?.point ?? null;
  }
  const points = (holds) => Array.from({ length: atlas.points }, (_, point) => point).filter(holds);

  function arrange(name) {
    sky.arrange(name);
    LAYOUTS.forEach((layout, index) => layouts[index].setAttribute("aria-pressed", String(layout === name)));
    unhover();
  }

  // --- hearing ----------------------------------------------------------------------------------------------------------

  let dwell = null;
  let calm = null;
  let moves = 0;

  function hear(point) {
    if (!engine.isRunning() || studio.keys().down.size) return;
    studio.listen(atlas.sound(point));
    ripples.push({ point, began: performance.now() });
    sky.repaint();
  }

  // A sound that is here is heard at once; for another the pointer must have come to a point, not only pass it: the note
  // that is asked for in passing would keep the one that is wanted waiting.
  function hover(at) {
    const point = hit(at);
    const mine = ++moves;
    clearTimeout(calm);
    calm = setTimeout(() => gather(at, mine), CALM_MS);
    if (point === hovered) return;
    hovered = point;
    field.classList.toggle("over", point !== null);
    describe(point);
    sky.repaint();
    clearTimeout(dwell);
    if (point === null || !studio.project.audition) return;
    if (studio.isReady(atlas.sound(point))) hear(point);
    else dwell = setTimeout(() => hear(point), DWELL_MS);
  }

  // Where the pointer rests, what lies around is fetched: one by one, so that the next it goes to has not to wait long.
  async function gather(at, mine) {
    for (const { point } of engine.isRunning() ? sky.nearest(at, AROUND, 60) : []) {
      if (mine !== moves) return;
      await studio.prepare([atlas.sound(point)]).catch(() => {}); // it is fetched when it is wanted
    }
  }

  function unhover() {
    clearTimeout(calm);
    clearTimeout(dwell);
    moves++;
    if (hovered === null) return;
    hovered = null;
    field.classList.remove("over");
    describe(null);
    sky.repaint();
  }

  // --- clicks and drags -------------------------------------------------------------------------------------------------

  function tap(at, { second, toggle }) {
    const point = hit(at);
    if (point === null) return selection.clear();
    if (toggle) return selection.toggle(point);
    put(point, second ? "b" : "a");
    if (second && at.touch) navigator.vibrate?.(15);
  }

  function put(point, slot) {
    used = true;
    ripples.push({ point, began: performance.now() });
    studio.dispatch({ type: "put", slot, sound: atlas.sound(point) });
    say(point, `is ${slot.toUpperCase()} now`);
  }

  function begin(at, kind) {
    selection.stop();
    used = true;
    drags.begin(at, kind);
  }

  function end() {
    const sentence = drags.end();
    describe(null);
    if (sentence) said.textContent = sentence;
  }

  function cancel() {
    drags.cancel();
    describe(null);
  }

  // --- the keyboard -----------------------------------------------------------------------------------------------------

  function walk(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const zoom = { "+": 1.3, "=": 1.3, "-": 1 / 1.3 }[event.key];
    if (event.key === "Escape") {
      if (!gestures.cancel() && !selection.stop()) selection.clear();
      return;
    }
    if (event.key in steps) {
      const from = cursor ?? hovered ?? atlas.pointOf(studio.sound) ?? null;
      const next =
        from === null
          ? sky.nearest(sky.middle(), 1)[0]?.point
          : neighbour(sky.places, from, ...steps[event.key], sky.lit);
      if (next !== undefined && next !== null) visit(next);
    } else if (event.key === "Enter" && cursor !== null) {
      if (event.ctrlKey || event.metaKey) selection.toggle(cursor);
      else put(cursor, event.shiftKey ? "b" : "a");
    } else if (zoom) {
      sky.zoom(zoom, cursor === null ? sky.middle() : sky.toScreen(sky.place(cursor)), { soon: true });
    } else if (event.key === "0") {
      sky.fit();
    } else {
      return;
    }
    event.preventDefault();
  }

  function visit(point) {
    cursor = point;
    sky.reveal(point);
    describe(point);
    say(point);
    hear(point);
  }

  // --- words ------------------------------------------------------------------------------------------------------------

  const nameOf = (point) => titleOf(atlas.sound(point), model);
  const measuredOf = (point, names) =>
    atlas.descriptors.flatMap(({ name, title, unit }, index) =>
      names.includes(name) ? [[title, reading(atlas.values(index)[point], unit)]] : [],
    );

  // The name stands at the point and what was measured at the foot of the map, so that neighbours stay in sight.
  let described = null;
  function describe(point) {
    described = point;
    label.hidden = point === null;
    tell();
    if (point === null) return;
    label.style.setProperty("--hue", hueOf(atlas.sound(point), model));
    label.replaceChildren(
      instrumentAt(atlas, point, model)?.title ?? model.title,
      h("span", {}, `seed ${atlas.seeds[point]}`),
    );
    placeLabel();
  }

  function placeLabel() {
    if (described === null) return;
    const { x, y } = sky.toScreen(sky.place(described));
    const left = Math.min(sky.size.width - label.offsetWidth - 6, Math.max(6, x - label.offsetWidth / 2));
    const top = y > label.offsetHeight + 22 ? y - label.offsetHeight - 14 : y + 14;
    label.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  function say(point, what = "") {
    const rows = measuredOf(point, [SHOWN[0], by]).map((row) => row.join(" "));
    said.textContent = [
      [nameOf(point), what].filter(Boolean).join(" "),
      instrumentAt(atlas, point, model)?.family.title,
      ...rows,
    ]
      .filter(Boolean)
      .join(", ");
  }

  // The line at the foot of the map: what was measured of the point in sight, what keeps the map silent, what is not on
  // it, or how to begin.
  function tell() {
    const away = slots()
      .filter(([, slot]) => !placeOf(slot.sound, atlas, sky.place))
      .map(([name]) => name.toUpperCase());
    note.classList.toggle("urgent", !engine.isRunning() || !studio.project.audition);
    if (!sky.lit.includes(1)) note.textContent = "Nothing on the map is called that";
    else if (!engine.isRunning()) note.textContent = "Sound is off: click once to hear the map";
    else if (described !== null)
      note.replaceChildren(
        ...measuredOf(described, [...new Set([...SHOWN, by])]).map(([title, value]) =>
          h("span", {}, title, h("b", {}, value)),
        ),
      );
    else if (!studio.project.audition) note.textContent = "“Hear changes” is off: the map is silent under the pointer";
    else if (!used) note.textContent = FINGERS.matches ? HINTS.touch : HINTS.mouse;
    else note.textContent = away.length ? `${away.join(" and ")} ${away.length > 1 ? "are" : "is"} not on the map` : "";
  }

  const slots = () => {
    const {
      slots: all,
      morph: { mode: line },
    } = studio.project;
    return Object.entries(all).filter(([name]) => line === "pad" || name < "c");
  };

  // --- the top layer ----------------------------------------------------------------------------------------------------

  const islands = Object.fromEntries(
    LAYOUTS.map((name) => [name, islandsOf(atlas, atlas.layouts[name]).filter(({ spread }) => spread < LOOSE)]),
  );

  function drawOver(pen, now) {
    if (!ink) return false;
    if (!sky.changing) {
      const named = islands[sky.layout].filter(({ owner }) => !dark.has(owner));
      drawNames(
        pen,
        named.map(({ owner, x, y, spread }) => ({
          text: titles[owner],
          radius: spread * sky.scale,
          ...sky.toScreen({ x, y }),
        })),
        sky.size,
        ink,
      );
    }
    const on = (point) => ({ ...sky.toScreen(sky.place(point)), radius: 7 });
    const active = target(studio.project);
    const ends = slots().flatMap(([name, { sound }]) => {
      const place = placeOf(sound, atlas, sky.place);
      return place
        ? [
            {
              letter: name.toUpperCase(),
              hue: hueOf(sound, model),
              exact: place.exact,
              active: name === active,
              ...sky.toScreen(place),
            },
          ]
        : [];
    });
    const current = active === "mix" ? placeOf(studio.sound, atlas, sky.place) : null;
    ripples = ripples.filter((ripple) => !fades(ripple, now));
    placeLabel();
    const scene = {
      ends: ends.length > 2 ? [ends[0], ends[1], ...ends.slice(2).reverse()] : ends,
      closed: ends.length > 2,
      handle: current && sky.toScreen(current),
      ...drags.scene(on),
      hover: hovered === null ? null : on(hovered),
      cursor: cursor === null ? null : on(cursor),
      ripples: ripples.map((ripple) => ({
        ...ripple,
        ...on(ripple.point),
        hue: hueOf(atlas.sound(ripple.point), model),
      })),
    };
    return drawMarks(pen, scene, sky.size, ink, now, STILL.matches);
  }

  studio.enter("map", { project: () => (sky.repaint(), tell()), power: tell, keys: () => {} });
  onTheme(() => paint(), signal);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(paint), { signal });
  signal.addEventListener("abort", () => (selection.stop(), sky.leave()));
  arrange("latent");
  choose(null);
  paint();
  light();

  // For tests and the benchmark: where a point is on the page, and how many times the points were painted.
  studio.map = {
    atlas,
    sky,
    client(point) {
      const box = field.getBoundingClientRect();
      const { x, y } = sky.toScreen(sky.place(point));
      return { x: box.left + x, y: box.top + y };
    },
  };
}
