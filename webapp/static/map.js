// The map: every point a sound. Hovering is hearing; a click puts a sound into A, a drag from one point to another morphs,
// a drag over empty space blends what lies around, a lasso gathers.

import { fetchAtlas, instrumentAt, islandsOf, LAYOUTS, placeOf, reading } from "./atlas.js";
import { h, hostOf, icon, toast } from "./dom.js";
import { watchGestures } from "./gestures.js";
import { colouring, createLegend, familyColour, familyOf, packed } from "./legend.js";
import { drawMarks, drawNames, fades } from "./marks.js";
import { isDark } from "./masthead.js";
import { itemOf, itemWith } from "./memory.js";
import { createLatest } from "./net.js";
import { matches } from "./picker.js";
import { blendWeights, inside, neighbour, progress, tour } from "./scatter.js";
import { createSky } from "./sky.js";
import { hueOf, instrumentOf, soundText, titleOf } from "./sound.js";
import { target } from "./store.js";
import { openStudio } from "./studio.js";

const TITLES = { latent: ["By model", "What the model makes alike lies together"], sound: ["By ear", "What measures alike lies together"] };
const HIT = 10; // pixels around a point that are its own
const TOUCH_HIT = 22;
const BLENDED = 4; // points in the sound of a place
const AHEAD = 60; // pixels that a morph under way has still to go: it arrives where the hand rests
const REST_MS = 180;
const LOOSE = 0.045; // of the map: an instrument whose points lie further apart is no island
const STAYS = 0.85; // another goal must be this much nearer to take the place of the one before
const DWELL_MS = 20;
const CALM_MS = 180; // a pointer at rest this long: what lies around it is fetched (earlier it would stand in the way of the next one)
const AROUND = 8; // points fetched so
const AHEAD_SOUNDS = 4; // of a selection that is played through
const STEP_MS = 750; // of playing a selection through
const SHOWN = ["brightness", "attack", "decay", "noisiness"];
const HINTS = {
  mouse: "Hover to hear. Click: A, Shift-click: B. Drag from a sound to morph, elsewhere to blend",
  touch: "Tap: A, hold: B. Drag from a sound to morph, elsewhere to blend",
};
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const FINGERS = matchMedia("(hover: none)");

let leave = null; // takes back the listeners of a former mount

export default async function mount({ element }) {
  leave?.();
  const host = hostOf(element);
  const leaving = new AbortController();
  leave = () => leaving.abort();
  const empty = h("p", { class: "empty", role: "status" }, "Unfolding the map …");
  host.append(empty);
  const studio = await openStudio();
  let atlas = null;
  try {
    atlas = await fetchAtlas(studio);
  } catch (error) {
    empty.textContent = `No map: ${error.message}`;
    return;
  }
  if (leaving.signal.aborted) return;
  if (atlas.missing) {
    empty.replaceChildren("This model has no map yet. Make one with", h("code", {}, atlas.missing), "and reload the page.");
    return;
  }
  empty.remove();
  build(host, studio, atlas, leaving.signal);
}

function build(host, studio, atlas, signal) {
  const { model, engine } = studio;
  const titles = atlas.names.map((name) => instrumentOf(name, model)?.title ?? name);
  let hovered = null; // point under the pointer
  let cursor = null; // point of the keyboard
  let doing = null; // {kind: "morph" | "blend" | "lasso", ...} while the hand is down
  let ripples = [];
  let by = model.families.length ? "family" : atlas.descriptors[0]?.name ?? "family";
  let only = null; // families that are switched on
  let dark = new Set(); // instruments none of whose points is bright
  let spot = null; // family under the pointer in the legend
  let used = false;
  let playing = null; // {way, at, timer} while a selection is played through

  // --- what there is to see and press -------------------------------------------------------------------------------

  const search = h("input", { type: "search", id: "map-search", placeholder: "Find on the map", "aria-label": "Find instruments on the map", autocomplete: "off", spellcheck: "false", oninput: light, onkeydown: searched });
  const layouts = LAYOUTS.map((name) => h("button", { title: TITLES[name][1], onclick: () => arrange(name) }, TITLES[name][0]));
  const choices = [["family", "Family"], ...atlas.descriptors.map(({ name, title }) => [name, title])].filter(([name]) => name !== "family" || model.families.length);
  const colour = h("select", { id: "map-colour", onchange: () => paint(colour.value) }, ...choices.map(([value, title]) => h("option", { value }, title)));
  const hand = tool("hand", "Move the map", "M8 12V6.5a1.5 1.5 0 0 1 3 0V11M11 10.5V5a1.5 1.5 0 0 1 3 0v6M14 11V6.5a1.5 1.5 0 0 1 3 0V14a6 6 0 0 1-6 6c-3 0-4-1.5-6-5.5a1.5 1.5 0 0 1 2.6-1.5L8 14");
  const lasso = tool("lasso", "Select by drawing around (or hold Alt)", "M7 15c-2.5-1-4-2.6-4-4.5C3 7 7 4.500 12 4.500s9 2.500 9 6-4 6-9 6c-1 0-2-.1-3-.3M9 16.200a2 2 0 1 1-4 0 2 2 0 0 1 4 0ZM7 18.200c0 1.300-.6 2.300-2 2.800");
  const press = (label, path, act) => h("button", { class: "tool", "aria-label": label, title: label, onclick: act }, icon(path));
  const tools = h("div", { class: "map-tools", role: "group", "aria-label": "Map" }, hand, lasso,
    press("Zoom in", "M12 6v12M6 12h12", () => sky.zoom(1.6, sky.middle(), { soon: true })),
    press("Zoom out", "M6 12h12", () => sky.zoom(1 / 1.6, sky.middle(), { soon: true })),
    press("Show all", "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5", () => sky.fit())); // prettier-ignore
  const legend = createLegend({ atlas, model, pick: (families) => ((only = families), light()), spotlight: (family) => ((spot = family), light()) });
  const label = h("div", { class: "name", hidden: true });
  const note = h("p", { class: "note" });
  const said = h("p", { class: "said", role: "status", "aria-live": "polite" });
  const many = h("span", { class: "many" });
  const play = h("button", { class: "button", onclick: () => (playing ? stop() : playThrough()) }, "Play through");
  const bar = h("div", { class: "selection", role: "group", "aria-label": "Selected sounds", hidden: true }, many, play,
    h("button", { class: "button", onclick: () => keep("favourites", "favourites") }, "Favourite"),
    h("button", { class: "button", onclick: () => keep("basket", "the pack basket") }, "To pack"),
    h("button", { class: "tool", "aria-label": "Clear selection", title: "Clear selection", onclick: clear }, icon("M6 6l12 12M18 6 6 18"))); // prettier-ignore

  const sky = createSky({ layouts: atlas.layouts, first: "latent", insets, drawOver });
  const field = h("div", { class: "sky", role: "application", tabindex: "0", "aria-label": `Map of ${atlas.points} sounds`, "aria-describedby": "map-help", onkeydown: walk, onblur: () => ((cursor = null), sky.repaint()) }, ...sky.canvases);
  const help = h("p", { class: "said", id: "map-help" }, "Arrow keys go from sound to sound. Enter puts one into A, Shift and Enter into B, Control and Enter selects it.");
  host.append(
    h("div", { class: "map-bar" }, search, h("div", { class: "choices", role: "group", "aria-label": "Layout" }, ...layouts), h("label", { for: "map-colour" }, "Colour"), colour),
    h("div", { class: "field" }, field, legend.element, tools, label, note, bar),
    help, said,
  ); // prettier-ignore
  const gestures = watchGestures(field, { tool: () => mode, on: { hover, leave: unhover, tap, begin, move, end, cancel, pan: (dx, dy) => (sky.pan(dx, dy), unhover()), zoom: (factor, at) => (sky.zoom(factor, at), unhover()) }, signal });

  let mode = null; // "hand" or "lasso": what a drag does instead
  function tool(name, label, path) {
    const button = h("button", { class: "tool", "aria-label": label, title: label, "aria-pressed": "false", onclick: () => choose(mode === name ? null : name) }, icon(path));
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
      strong: style.getPropertyValue("--ink"), ground: dark ? "#0d0f14" : "#fffdf8", veil: dark ? "rgb(255 255 255 / 0.08)" : "rgb(0 0 0 / 0.06)",
      onHue: dark ? "#121316" : "#ffffff", font: style.fontFamily, hue: (hue) => familyColour(hue, dark),
    }; // prettier-ignore
    const { colours, palette, scale } = colouring(by, atlas, model, dark);
    legend.show(by, { palette, scale });
    sky.paint(colours, { dots: packed(palette), dim: packed([dark ? "#6f7480" : "#a59f92"])[0], glow: dark ? 0.34 : 0.3 });
  }

  // Which points are bright: what was typed, and the families that are switched on or pointed at.
  function light() {
    const wanted = atlas.names.map((name, index) => !search.value || matches(search.value, titles[index], instrumentOf(name, model)?.family.title ?? ""));
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

  const points = (holds) => Array.from({ length: atlas.points }, (_, point) => point).filter(holds);

  function arrange(name) {
    sky.arrange(name);
    LAYOUTS.forEach((layout, index) => layouts[index].setAttribute("aria-pressed", String(layout === name)));
    unhover();
  }

  // --- hearing ----------------------------------------------------------------------------------------------------------

  const around = createLatest((sounds) => studio.prepare(sounds), () => {});
  let dwell = null;
  let calm = null;
  let rest = null;
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
    const point = sky.nearest(at, 1, HIT)[0]?.point ?? null;
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
    const point = sky.nearest(at, 1, at.touch ? TOUCH_HIT : HIT)[0]?.point;
    if (point === undefined) return clear();
    if (toggle) return select([point], true);
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
    stop();
    used = true;
    if (kind === "lasso") {
      doing = { kind, way: [at] };
      return;
    }
    const start = sky.nearest(at, 1, at.touch ? TOUCH_HIT : HIT)[0]?.point;
    doing = start === undefined ? { kind: "blend", at, threads: [] } : { kind: "morph", at, start, goal: null };
  }

  function move(at) {
    doing.at = at;
    if (doing.kind === "lasso") doing.way.push(at);
    else if (doing.kind === "morph") morph(at);
    else blend(at);
    sky.repaint();
  }

  // From the point where the drag began to the one that the hand is nearest to, as far as it has come.
  function morph(at) {
    const { start } = doing;
    const near = sky.nearest(at, BLENDED, Infinity).filter(({ point }) => point !== start);
    if (!near.length) return;
    const away = (point) => Math.hypot(...Object.values(offset(sky.toScreen(sky.place(point)), at)));
    if (doing.goal === null || !sky.lit[doing.goal] || near[0].distance < STAYS * away(doing.goal)) doing.goal = near[0].point;
    if (described !== doing.goal) describe(doing.goal);
    const [from, goal] = [start, doing.goal].map((point) => sky.toScreen(sky.place(point)));
    around.ask([start, doing.goal, ...near.slice(0, 3).map(({ point }) => point)].map(atlas.sound));
    span(progress(from, at, goal, AHEAD));
    clearTimeout(rest);
    if (away(doing.goal) < HIT) rest = setTimeout(() => span(1), REST_MS);
  }

  function span(t) {
    const [a, b] = [doing.start, doing.goal].map(atlas.sound);
    studio.drag({ type: "span", a, b, t }, { near: [{ sound: a, share: Math.cos((t * Math.PI) / 2) }, { sound: b, share: Math.sin((t * Math.PI) / 2) }] });
  }

  // What lies around the hand, the nearest the loudest.
  function blend(at) {
    const near = sky.nearest(at, BLENDED + 1);
    if (!near.length) return;
    const weights = blendWeights(near.map(({ distance }) => distance));
    doing.threads = weights.map((share, index) => ({ point: near[index].point, share })).filter(({ share }) => share >= 0.01);
    const parts = doing.threads.map(({ point, share }) => ({ sound: atlas.sound(point), share }));
    around.ask(parts.map(({ sound }) => sound));
    const sound = parts.length === 1 ? parts[0].sound : { blend: parts.map((part) => [part.sound, Math.round(part.share * 100) / 100]) };
    studio.drag({ type: "put", slot: "a", sound }, { near: parts.map((part) => ({ ...part, share: Math.sqrt(part.share) })) });
  }

  function end() {
    const { kind, way, at, start, goal } = doing;
    clearTimeout(rest);
    if (kind === "morph" && goal !== null && sky.nearest(at, 1, HIT).length) span(1);
    doing = null;
    describe(null);
    if (kind === "lasso") {
      const corners = way.map((at) => sky.toPlace(at)).map(({ x, y }) => [x, y]);
      select(inside(sky.places, corners, sky.lit));
    } else {
      studio.drop();
      if (kind === "morph" && goal !== null) said.textContent = `From ${nameOf(start)} to ${nameOf(goal)}, ${Math.round(studio.project.morph.t * 100)} %`;
      if (kind === "blend") said.textContent = `${titleOf(studio.sound, model)} is A now`;
    }
    tell();
  }

  function cancel() {
    clearTimeout(rest);
    if (doing.kind !== "lasso") studio.cancel();
    doing = null;
    describe(null);
  }

  // --- the keyboard -----------------------------------------------------------------------------------------------------

  function walk(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const zoom = { "+": 1.3, "=": 1.3, "-": 1 / 1.3 }[event.key];
    if (event.key === "Escape") {
      if (!gestures.cancel()) playing ? stop() : clear();
      return;
    }
    if (event.key in steps) {
      const from = cursor ?? hovered ?? atlas.pointOf(studio.sound) ?? null;
      const next = from === null ? sky.nearest(sky.middle(), 1)[0]?.point : neighbour(sky.places, from, ...steps[event.key], sky.lit);
      if (next !== undefined && next !== null) visit(next);
    } else if (event.key === "Enter" && cursor !== null) {
      if (event.ctrlKey || event.metaKey) select([cursor], true);
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

  // --- a selection ------------------------------------------------------------------------------------------------------

  const selected = () => points((point) => sky.chosen[point]);

  function select(list, toggle = false) {
    if (!toggle) sky.chosen.fill(0);
    for (const point of list) sky.chosen[point] = toggle ? 1 - sky.chosen[point] : 1;
    showSelection();
  }

  function clear() {
    stop();
    if (sky.chosen.includes(1)) select([]);
  }

  function showSelection() {
    const { length } = selected();
    bar.hidden = length === 0;
    many.textContent = `${length} ${length === 1 ? "sound" : "sounds"}`;
    if (length) said.textContent = `${many.textContent} selected`;
    sky.flagged();
    tell();
  }

  function keep(list, title) {
    const known = studio.project[list];
    const sounds = selected().map((point) => [atlas.sound(point), nameOf(point)]).filter(([sound]) => !itemWith(known, soundText(sound)));
    studio.dispatch({ type: "keep", list, items: sounds.map(([sound, name]) => itemOf(sound, name, studio.project.note)) });
    const added = studio.project[list].length - known.length;
    if (!sounds.length) toast(`They are in ${title} already.`);
    else if (added < sounds.length) toast(`${added} of ${sounds.length} sounds added to ${title}: there is no room for more.`);
    else toast(`${added} ${added === 1 ? "sound" : "sounds"} added to ${title}.`);
  }

  function playThrough() {
    engine.enable();
    playing = { way: tour(sky.places, selected()), at: 0, timer: null };
    play.textContent = "Stop";
    next();
  }

  async function next() {
    const mine = playing;
    const ahead = mine.way.slice(mine.at, mine.at + AHEAD_SOUNDS).map(atlas.sound);
    await studio.prepare(ahead).catch(() => {}); // it is heard all the same, a little later
    if (playing !== mine) return;
    describe(mine.way[mine.at]);
    hear(mine.way[mine.at]);
    mine.at++;
    mine.timer = setTimeout(mine.at < mine.way.length ? next : stop, STEP_MS);
  }

  function stop() {
    if (!playing) return;
    clearTimeout(playing.timer);
    playing = null;
    play.textContent = "Play through";
    studio.hush();
    describe(hovered);
  }

  // --- words ------------------------------------------------------------------------------------------------------------

  const nameOf = (point) => titleOf(atlas.sound(point), model);
  const measuredOf = (point, names) =>
    atlas.descriptors.flatMap(({ name, title, unit }, index) => (names.includes(name) ? [[title, reading(atlas.values(index)[point], unit)]] : []));

  // The name stands at the point and what was measured at the foot of the map, so that neighbours stay in sight.
  let described = null;
  function describe(point) {
    described = point;
    label.hidden = point === null;
    tell();
    if (point === null) return;
    label.style.setProperty("--hue", hueOf(atlas.sound(point), model));
    label.replaceChildren(instrumentAt(atlas, point, model)?.title ?? model.title, h("span", {}, `seed ${atlas.seeds[point]}`));
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
    said.textContent = [[nameOf(point), what].filter(Boolean).join(" "), instrumentAt(atlas, point, model)?.family.title, ...rows].filter(Boolean).join(", ");
  }

  // The line at the foot of the map: what was measured of the point in sight, what keeps the map silent, what is not on
  // it, or how to begin.
  function tell() {
    const away = slots().filter(([, slot]) => !placeOf(slot.sound, atlas, sky.place)).map(([name]) => name.toUpperCase());
    note.classList.toggle("urgent", !engine.isRunning() || !studio.project.audition);
    if (!sky.lit.includes(1)) note.textContent = "Nothing on the map is called that";
    else if (!engine.isRunning()) note.textContent = "Sound is off: click once to hear the map";
    else if (described !== null) note.replaceChildren(...measuredOf(described, [...new Set([...SHOWN, by])]).map(([title, value]) => h("span", {}, title, h("b", {}, value))));
    else if (!studio.project.audition) note.textContent = "“Hear changes” is off: the map is silent under the pointer";
    else if (!used) note.textContent = FINGERS.matches ? HINTS.touch : HINTS.mouse;
    else note.textContent = away.length ? `${away.join(" and ")} ${away.length > 1 ? "are" : "is"} not on the map` : "";
  }

  const slots = () => {
    const { slots: all, morph: { mode: line } } = studio.project; // prettier-ignore
    return Object.entries(all).filter(([name]) => line === "pad" || name < "c");
  };

  // --- the top layer ----------------------------------------------------------------------------------------------------

  const islands = Object.fromEntries(LAYOUTS.map((name) => [name, islandsOf(atlas, atlas.layouts[name]).filter(({ spread }) => spread < LOOSE)]));

  function drawOver(pen, now) {
    if (!ink) return false;
    if (!sky.changing) {
      const named = islands[sky.layout].filter(({ owner }) => !dark.has(owner));
      drawNames(pen, named.map(({ owner, x, y, spread }) => ({ text: titles[owner], radius: spread * sky.scale, ...sky.toScreen({ x, y }) })), sky.size, ink);
    }
    const on = (point) => ({ ...sky.toScreen(sky.place(point)), radius: 7 });
    const active = target(studio.project);
    const ends = slots().flatMap(([name, { sound }]) => {
      const place = placeOf(sound, atlas, sky.place);
      return place ? [{ letter: name.toUpperCase(), hue: hueOf(sound, model), exact: place.exact, active: name === active, ...sky.toScreen(place) }] : [];
    });
    const current = active === "mix" ? placeOf(studio.sound, atlas, sky.place) : null;
    ripples = ripples.filter((ripple) => !fades(ripple, now));
    placeLabel();
    const scene = {
      ends: ends.length > 2 ? [ends[0], ends[1], ...ends.slice(2).reverse()] : ends,
      closed: ends.length > 2,
      handle: current && sky.toScreen(current),
      hand: doing?.kind === "blend" ? doing.at : null,
      threads: (doing?.threads ?? []).map(({ point, share }) => ({ ...on(point), share })),
      goal: doing?.kind === "morph" && doing.goal !== null ? on(doing.goal) : null,
      hover: hovered === null ? null : on(hovered),
      cursor: cursor === null ? null : on(cursor),
      lasso: doing?.kind === "lasso" ? doing.way.map(({ x, y }) => [x, y]) : [],
      ripples: ripples.map((ripple) => ({ ...ripple, ...on(ripple.point), hue: hueOf(atlas.sound(ripple.point), model) })),
    };
    return drawMarks(pen, scene, sky.size, ink, now, STILL.matches);
  }

  studio.enter("map", { project: () => (sky.repaint(), tell()), power: tell, keys: () => {} });
  window.addEventListener("studio:theme", () => paint(), { signal });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(paint), { signal });
  signal.addEventListener("abort", () => (stop(), sky.leave()));
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

const offset = (one, other) => ({ x: one.x - other.x, y: one.y - other.y });
