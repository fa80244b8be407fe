// The sound's name, its seed and the buttons above the sliders. The sliders themselves are Gradio's.

import { h, hostOf, icon, toggle } from "./dom.js";
import { leadingInstrument } from "./store.js";
import { openStudio } from "./studio.js";

const NEW_SEEDS = 100000; // short enough to remember or write down

export default async function mount({ element, trigger, props }) {
  const host = hostOf(element);
  const studio = await openStudio();
  const { model } = studio;

  const name = h("h2", {});
  const family = h("p", { class: "family" });
  const seed = h("input", {
    type: "number", id: "seed", min: "0", max: String(model.seedLimit), step: "1", inputmode: "numeric",
    onchange: () => {
      studio.dispatch({ type: "seed", seed: seed.value === "" ? NaN : Number(seed.value) });
      draw();
    },
    onkeydown: (event) => event.key === "Enter" && seed.blur(),
  });
  const reset = h(
    "button",
    { class: "button", "aria-label": "Reset sliders", title: "All sliders to the middle", onclick: () => move({ type: "reset" }) },
    "Reset",
  );
  const audition = toggle("Hear changes", "Each change of sound plays the last note", (on) =>
    studio.dispatch({ type: "audition", on }),
  );
  host.append(
    h("div", { class: "title" }, family, name),
    audition.element,
    h(
      "div", { class: "seed" },
      h("label", { for: "seed" }, "Seed"),
      seed,
      h(
        "button", { class: "button", title: "Another sound of the same instrument", onclick: () => studio.dispatch({ type: "seed", seed: Math.floor(Math.random() * NEW_SEEDS) }) },
        icon("M4 7h3c5 0 5 10 10 10h3M17 14l3 3-3 3M4 17h3c1.6 0 2.7-1 3.5-2.3M13.5 9.3C14.3 8 15.4 7 17 7h3M17 4l3 3-3 3"), "Randomise",
      ),
      reset,
    ),
  );

  // Hands the sliders' positions to Gradio, which moves its native sliders.
  function move(action) {
    if (action) studio.dispatch(action);
    props.value = structuredClone(studio.project);
    trigger("sync");
  }

  function draw() {
    const { project } = studio;
    const leading = leadingInstrument(project);
    const home = model.families.find(({ instruments }) => instruments.some((instrument) => instrument.name === leading));
    name.textContent = home?.instruments.find((instrument) => instrument.name === leading).title ?? model.title;
    family.textContent = home?.title ?? "";
    if (document.activeElement !== seed) seed.value = String(project.seed);
    audition.box.checked = project.audition;
    reset.disabled = project.sliders.every((value) => value === 0);
  }

  studio.enter("shape", { project: draw });
  draw();
  if (studio.project.sliders.some((value) => value !== 0)) move();
}
