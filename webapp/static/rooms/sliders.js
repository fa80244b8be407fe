// The sliders: named directions with what they change, then components, then every number of the latent by pages.

import { h, isShown, toggle } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { createKeyframes, LINE_LEVELS } from "../audio/keyframes.js";
import { changeText, instrumentOf, leadingInstrument, soundText, titleOf, valueText } from "../document/sound.js";
import { starButton } from "../parts/star.js";
import { bendsOf, handSlot, soundOf, target } from "../document/project.js";
import { reduce } from "../document/store.js";

const NEW_SEEDS = 100000; // short enough to remember or write down
const PAGE = 16; // numbers of z in sight at once
const STEP = 0.1;
const FINE = 0.01;
const CALM_MS = 250;
const HOVER_MS = 60; // a hand that rests over a slider so long is about to take hold of it

export default function build(host, studio) {
  const { model } = studio;

  const name = h("h2", {});
  const family = h("p", { class: "family" });
  const seed = h("input", {
    type: "number",
    id: "seed",
    min: "0",
    max: String(2 ** 31 - 1),
    step: "1",
    inputmode: "numeric",
    onchange: () => {
      studio.dispatch({ type: "seed", seed: seed.value === "" ? NaN : Number(seed.value) });
      draw();
    },
    onkeydown: (event) => event.key === "Enter" && seed.blur(),
  });
  const dice = h(
    "button",
    {
      class: "tool framed",
      "aria-label": "Another seed",
      title: "Another sound of the same instrument",
      onclick: () => studio.dispatch({ type: "seed", seed: Math.floor(Math.random() * NEW_SEEDS) }),
    },
    icon("dice"),
  );
  const audition = toggle("Hear changes", "Each change of sound plays the last note", (on) =>
    studio.dispatch({ type: "audition", on }),
  );
  const amount = h("input", {
    type: "range",
    id: "vary-amount",
    min: "0.1",
    max: "1",
    step: "0.1",
    value: "0.5",
    "aria-label": "How far to vary",
  });
  const vary = h(
    "button",
    { class: "button", title: "Move every unlocked slider at random", onclick: randomise },
    "Vary",
  );
  const reset = h(
    "button",
    {
      class: "button",
      "aria-label": "Reset sliders",
      title: "All unlocked sliders to the middle",
      onclick: () => studio.dispatch({ type: "reset" }),
    },
    "Reset",
  );

  const groups = [
    { title: "Character", rows: rowsOf(model.directions.filter(({ kind }) => kind === "named")) },
    { title: "Components", rows: rowsOf(model.directions.filter(({ kind }) => kind !== "named")) },
  ].filter(({ rows }) => rows.length);
  const raw = rawPage();
  const parts = [
    ...groups.map(({ title, rows }) => ({
      title,
      body: h("div", { class: "rows" }, ...rows.map((row) => row.element)),
    })),
    { title: `All ${model.latentSize}`, body: raw.element },
  ];
  const choices = parts.map(({ title }, index) => h("button", { role: "tab", onclick: () => choose(index) }, title));

  host.append(
    h(
      "div",
      { class: "head" },
      h("div", { class: "title" }, family, h("div", { class: "named" }, name, starButton(studio))),
      audition.element,
    ),
    h(
      "div",
      { class: "tools" },
      h("label", { for: "seed" }, "Seed"),
      seed,
      dice,
      h("span", { class: "gap" }),
      vary,
      amount,
      reset,
    ),
    h("div", { class: "choices", role: "tablist", "aria-label": "Sliders" }, ...choices),
    ...parts.map(({ body }) => body),
  );

  function choose(index) {
    parts.forEach(({ body }, at) => (body.hidden = at !== index));
    choices.forEach((button, at) => button.setAttribute("aria-selected", String(at === index)));
    if (parts[index].body === raw.element) raw.refresh();
  }

  function rowsOf(directions) {
    return directions.map((direction) => {
      const action = (value) => ({ type: "slide", sliders: { [direction.name]: value } });
      const control = slider(direction.title, {
        ...heardAlong(model.sliderLimit, action),
        onstep: (value) => studio.dispatch(action(value)),
        onreset: () => studio.dispatch(action(0)),
      });
      const lock = h("button", {
        class: "lock",
        "aria-pressed": "false",
        "aria-label": `Lock ${direction.title}`,
        title: "Locked sliders are left alone by Vary and Reset",
        onclick: () =>
          studio.dispatch({ type: "lock", name: direction.name, on: !studio.project.locks.includes(direction.name) }),
      });
      control.element.prepend(lock);
      const told = h("output", { class: "told" });
      if (direction.descriptor !== null) control.element.append(told);
      return { ...control, direction, lock, told };
    });
  }

  // Keyframes along the slider under the hand: its drag is heard at once, and exactly where it rests.
  let reached = null; // {limit, action} of that slider
  let holding = null; // share of its way at which the hand holds it
  const frames = createKeyframes({
    levels: LINE_LEVELS,
    soundAt: ([share]) => soundOf(reduce(studio.project, reached.action(reached.limit * (2 * share - 1)), model)),
    isReady: studio.isReady,
    prepare: studio.prepare,
    isQuiet: studio.isQuiet,
  });

  function fetchFrames(place, beside) {
    frames.fetch([place], beside).catch(() => {
      // The drag is heard all the same, a little later.
    });
  }

  // What a slider needs to be heard along its way, from -limit to limit; action(value) moves it.
  function heardAlong(limit, action) {
    const mine = { limit, action };
    const shareOf = (value) => (value / limit + 1) / 2;
    return {
      limit,
      onreach(place, value) {
        reached = mine;
        fetchFrames(place, [[shareOf(value)]]);
      },
      onmove(value) {
        reached = mine;
        holding = shareOf(value);
        studio.drag(action(value), { near: frames.near([holding]) });
      },
      drop() {
        holding = null;
        frames.forget();
        studio.drop();
      },
    };
  }

  // What is measured of the sound at rest, and how far the sliders took it from what it was without them.
  let calm = null;
  let measured = null; // what the readings shown are of
  const telling = groups.flatMap(({ rows }) => rows).filter(({ direction }) => direction.descriptor !== null);

  function measureSoon() {
    clearTimeout(calm);
    if (!telling.length || !isShown(host)) return;
    const plain = { ...studio.sound, sliders: {}, raw: {} };
    const what = JSON.stringify([studio.soundText, soundText(plain), studio.project.note]);
    if (what === measured) return;
    for (const { told } of telling) told.classList.add("stale");
    calm = setTimeout(() => (studio.isSettled() ? readOff(plain, what) : measureSoon()), CALM_MS);
  }

  async function readOff(plain, what) {
    measured = what;
    try {
      const answer = await studio.askBody("measures", { sounds: [studio.sound, plain], pitch: studio.project.note });
      const { values } = await answer.json();
      if (measured !== what) return;
      for (const { direction, told } of telling) {
        const index = model.descriptors.findIndex(({ name }) => name === direction.descriptor);
        const descriptor = model.descriptors[index];
        const [now, before] = values.map((row) => row[index]);
        const change = changeText(now, before, descriptor);
        const moved = valueText(now, descriptor) !== valueText(before, descriptor);
        told.replaceChildren(valueText(now, descriptor), ...(moved ? [h("b", {}, change)] : []));
        told.title = `${descriptor.title}: ${descriptor.about}`;
        told.classList.remove("stale");
      }
    } catch {
      measured = null; // asked for again at the next change; the sound's own request tells what is wrong
    }
  }

  function randomise() {
    const free = model.directions.filter(({ name }) => !studio.project.locks.includes(name));
    const spread = Number(amount.value) * 1.5;
    studio.dispatch({ type: "slide", sliders: Object.fromEntries(free.map(({ name }) => [name, spread * normal()])) });
  }

  // Every number of the latent, PAGE at a time: what it is now, and what the hand made of it.
  function rawPage() {
    let page = 0;
    let z = null;
    let shown = null; // text of the sound that z is of
    let calm = null;
    const pages = Math.ceil(model.latentSize / PAGE);
    const place = h("output", { class: "range" });
    const back = h(
      "button",
      { class: "tool", "aria-label": "Previous page", onclick: () => turn(-1) },
      icon("previous"),
    );
    const on = h("button", { class: "tool", "aria-label": "Next page", onclick: () => turn(1) }, icon("next"));
    const rows = Array.from({ length: Math.min(PAGE, model.latentSize) }, (_, at) => {
      const index = () => page * PAGE + at;
      const action = (value) => ({ type: "raw", values: { [index()]: value } });
      const control = slider("", {
        ...heardAlong(model.rawLimit, action),
        onstep: (value) => studio.dispatch(action(value)),
        onreset: () => studio.dispatch(action(null)),
      });
      return { ...control, index };
    });
    const element = h(
      "div",
      { class: "rows raw", hidden: true },
      h("div", { class: "pages" }, back, place, on),
      ...rows.map((row) => row.element),
    );

    function turn(by) {
      page = (page + by + pages) % pages;
      draw();
    }

    async function refresh() {
      clearTimeout(calm);
      if (element.hidden) return;
      draw();
      const text = studio.soundText;
      if (text === shown) return;
      calm = setTimeout(async () => {
        try {
          const answer = await studio.askModel("timbre", { sound: text });
          z = unpack((await answer.json()).z);
          shown = text;
          draw();
        } catch {
          // The numbers stay as they were; the sound's own request tells what is wrong.
        }
      }, CALM_MS);
    }

    function draw() {
      const { raw: own } = bendsOf(studio.project);
      place.textContent = `${page * PAGE + 1}–${Math.min(model.latentSize, (page + 1) * PAGE)} of ${model.latentSize}`;
      for (const row of rows) {
        const index = row.index();
        row.element.hidden = index >= model.latentSize;
        const value = own[index] ?? z?.[index] ?? 0;
        row.name(`z ${index + 1}`);
        row.show(value, value.toFixed(2), own[index] !== undefined);
      }
    }
    return { element, refresh };
  }

  function draw(before) {
    const { project } = studio;
    if (holding !== null && before && before.note !== project.note) fetchFrames(holding);
    const at = target(project);
    const { sliders, raw: own } = bendsOf(project);
    const slot = project.slots[at === "mix" ? handSlot(project) : at];
    const instrument = instrumentOf(leadingInstrument(studio.sound), model);
    name.textContent =
      at === "mix" ? titleOf({ ...studio.sound, sliders: {} }, model) : (slot.name ?? titleOf(slot.sound, model));
    name.title = name.textContent;
    family.textContent =
      at === "mix" ? "Between the sounds" : `${at.toUpperCase()} · ${instrument?.family.title ?? model.title}`;
    if (document.activeElement !== seed) seed.value = String(slot.sound.seed ?? "");
    audition.box.checked = project.audition;
    reset.disabled =
      Object.entries(sliders).every(([name, value]) => value === 0 || project.locks.includes(name)) &&
      !Object.keys(own).length;
    for (const { rows } of groups) {
      for (const { direction, lock, show } of rows) {
        const value = sliders[direction.name] ?? 0;
        const locked = project.locks.includes(direction.name);
        show(value, value ? signed(value) : "0", value !== 0);
        lock.setAttribute("aria-pressed", String(locked));
        lock.replaceChildren(icon(locked ? "lock" : "unlock"));
      }
    }
    raw.refresh();
    measureSoon();
  }

  studio.enter("sliders", { project: draw, status: measureSoon });
  choose(0);
  draw();
}

// A named slider: moves are heard as they go, the keyboard steps (finer with Shift), a double click takes it back.
// onreach(share of the way, value): the hand comes to the slider, or takes hold of it.
function slider(title, { limit, drop, onreach, onmove, onstep, onreset }) {
  let hovering = null;
  const reach = (event) => onreach(Math.min(1, Math.max(0, event.offsetX / rail.clientWidth)), Number(rail.value));
  const label = h("span", { class: "name" }, title);
  const rail = h("input", {
    type: "range",
    min: String(-limit),
    max: String(limit),
    step: "0.01",
    value: "0",
    "aria-label": title || null,
    onpointerenter: (event) => (hovering = setTimeout(reach, HOVER_MS, event)),
    onpointerleave: () => clearTimeout(hovering),
    onpointerdown: (event) => (clearTimeout(hovering), reach(event)),
    oninput: () => onmove(Number(rail.value)),
    onchange: drop,
    ondblclick: onreset,
    onkeydown: (event) => {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (event.key === "Backspace" || event.key === "Delete") onreset();
      else if (by) onstep(Number(rail.value) + by * (event.shiftKey ? FINE : STEP));
      else return;
      event.preventDefault();
    },
  });
  const number = h("output", { class: "number" });
  return {
    element: h("div", { class: "slider" }, label, rail, number),
    name(text) {
      label.textContent = text;
      rail.setAttribute("aria-label", text);
    },
    show(value, reading, moved) {
      rail.value = String(value);
      rail.style.setProperty("--fill", `${(50 * (value + limit)) / limit}%`);
      number.textContent = reading;
      rail.setAttribute("aria-valuetext", reading);
      number.classList.toggle("moved", moved);
    },
  };
}

const signed = (value) => `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(2)}`;

const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

function unpack(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}
