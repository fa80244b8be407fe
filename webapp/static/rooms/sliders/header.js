// What stands above the sliders: which sound they bend, its seed, and what moves many of them at once.

import { numberField, toolButton } from "../../parts/controls.js";
import { h, toggle } from "../../parts/dom.js";
import { findLike } from "../../parts/likeness.js";
import { runner } from "../../parts/runner.js";
import { starButton } from "../../parts/star.js";
import { instrumentOf, leadingInstrument, titleOf } from "../../document/sound.js";
import { bendsOf, handSlot, target, titleOfMix } from "../../document/project.js";

const NEW_SEEDS = 100000; // short enough to remember or write down
const WIDEST = 1.5; // standard deviation of what Vary sets sliders to, at the far end of its range

// The title of the sound in hand, its star, and "Hear changes". Returns {element, draw}.
export function createTitle(studio) {
  const { model } = studio;
  const name = h("h2", {});
  const family = h("p", { class: "family" });
  const audition = toggle("Hear changes", "Each change of sound plays the last note", (on) =>
    studio.dispatch({ type: "audition", on }),
  );
  const like = toolButton("Find more like this", "like", () => findLike(studio.sound, name.textContent));
  return {
    element: h(
      "div",
      { class: "head" },
      h("div", { class: "title" }, family, h("div", { class: "named" }, name, starButton(studio), like)),
      audition.element,
    ),
    draw() {
      const at = target(studio.project);
      const instrument = instrumentOf(leadingInstrument(studio.sound), model);
      if (at === "mix") {
        name.textContent = titleOfMix(studio.project, model);
        family.textContent = "Between the sounds";
      } else {
        const slot = studio.project.slots[at];
        name.textContent = slot.name ?? titleOf(slot.sound, model);
        family.textContent = `${at.toUpperCase()} · ${instrument?.family.title ?? model.title}`;
      }
      name.title = name.textContent;
      audition.box.checked = studio.project.audition;
    },
  };
}

// The seed, Vary and Reset. Returns {element, draw}.
export function createTools(studio) {
  const { model } = studio;
  const seed = numberField({
    id: "seed",
    min: "0",
    max: String(2 ** 31 - 1),
    step: "1",
    inputmode: "numeric",
    set: (value) => studio.dispatch({ type: "seed", seed: value }),
    read() {
      const at = target(studio.project);
      return studio.project.slots[at === "mix" ? handSlot(studio.project) : at].sound.seed ?? "";
    },
    onkeydown: (event) => event.key === "Enter" && seed.field.blur(),
  });
  const dice = toolButton(
    "Another seed",
    "dice",
    () => studio.dispatch({ type: "seed", seed: Math.floor(Math.random() * NEW_SEEDS) }),
    { class: "tool framed", title: "Another sound of the same instrument" },
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
    { class: "button", title: "Move all unlocked sliders at random", onclick: randomise },
    "Vary",
  );
  const reset = h(
    "button",
    {
      class: "button",
      "aria-label": "Reset sliders",
      title: "Move all unlocked sliders to the middle",
      onclick: () => studio.dispatch({ type: "reset" }),
    },
    "Reset",
  );

  const isLocked = (name) => studio.project.locks.includes(name);

  function randomise() {
    const free = model.directions.filter(({ name, kind }) => kind !== "former" && !isLocked(name));
    const spread = Number(amount.value) * WIDEST;
    studio.dispatch({ type: "slide", sliders: Object.fromEntries(free.map(({ name }) => [name, spread * normal()])) });
  }

  return {
    element: h(
      "div",
      { class: "tools" },
      h("label", { for: "seed" }, "Seed"),
      seed.field,
      dice,
      h("span", { class: "gap" }),
      vary,
      runner(amount, { tap: true }),
      reset,
    ),
    draw() {
      seed.show();
      const { sliders, raw } = bendsOf(studio.project);
      reset.disabled =
        Object.entries(sliders).every(([name, value]) => value === 0 || isLocked(name)) && !Object.keys(raw).length;
    },
  };
}

// Box and Muller's way to a normally distributed number.
const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
