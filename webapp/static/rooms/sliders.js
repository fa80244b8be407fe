// The sliders: named directions with what they change, then components, then every number of the latent by pages.

import { h } from "../parts/dom.js";
import { createDirections } from "./sliders/directions.js";
import { createHand } from "./sliders/hand.js";
import { createTitle, createTools } from "./sliders/header.js";
import { createRawPage } from "./sliders/raw.js";
import { createReach } from "./sliders/reach.js";
import { createReadings } from "./sliders/readings.js";

export default function build(host, studio) {
  const { model } = studio;
  const title = createTitle(studio);
  const tools = createTools(studio);
  const hand = createHand(studio);
  const groups = [
    { title: "Character", directions: model.directions.filter(({ kind }) => kind === "named" || kind === "former") },
    { title: "Components", directions: model.directions.filter(({ kind }) => kind === "component") },
  ]
    .filter(({ directions }) => directions.length)
    .map((group) => ({ ...group, ...createDirections(studio, group.directions, hand.heardAlong) }));
  const raw = createRawPage(studio, hand.heardAlong);
  const measured = groups.flatMap(({ rows }) => rows).filter(({ direction }) => direction.descriptor !== null);
  const measureSoon = createReadings(host, studio, measured);
  const reachSoon = createReach(host, studio, measured);

  const pages = [...groups, { title: `All ${model.latentSize}`, element: raw.element }];
  const tabs = pages.map((page, index) => h("button", { role: "tab", onclick: () => choose(index) }, page.title));
  host.append(
    title.element,
    tools.element,
    h("div", { class: "choices", role: "tablist", "aria-label": "Sliders" }, ...tabs),
    ...pages.map(({ element }) => element),
  );

  function choose(index) {
    pages.forEach(({ element }, at) => (element.hidden = at !== index));
    tabs.forEach((tab, at) => tab.setAttribute("aria-selected", String(at === index)));
    raw.refresh();
  }

  function draw(before) {
    if (before && before.note !== studio.project.note) hand.noteChanged();
    title.draw();
    tools.draw();
    for (const group of groups) group.draw();
    raw.refresh();
    measureSoon();
    reachSoon();
  }
  function status() {
    measureSoon();
    reachSoon();
  }

  studio.enter("sliders", { project: draw, status });
  choose(0);
  draw();
}
