// The selected sounds of the map: a bar that counts them, plays them one after the other, and keeps them.

import { h, toast } from "../parts/dom.js";
import { toolButton } from "../parts/controls.js";
import { itemOf, itemWith } from "../document/memory.js";
import { tour } from "./scatter.js";
import { soundText } from "../document/sound.js";

const STEP_MS = 750; // from one sound to the next
const AHEAD = 4; // sounds fetched before they are played

// play(point) shows and plays one, rested() runs when playing through is over, and changed(sentence or null) when another
// set of points is selected.
export function createSelection({ studio, atlas, sky, nameOf, play, rested, changed }) {
  let playing = null; // {way, at, timer}
  const many = h("span", { class: "many" });
  const through = h("button", { class: "button", onclick: () => stop() || playThrough() }, "Play through");
  const element = h(
    "div",
    { class: "selection", role: "group", "aria-label": "Selected sounds", hidden: true },
    many,
    through,
    h("button", { class: "button", onclick: () => keep("favourites", "favourites") }, "Favourite"),
    h("button", { class: "button", onclick: () => keep("basket", "the pack basket") }, "To pack"),
    toolButton("Clear selection", "close", clear),
  );

  const selected = () => [...sky.chosen.keys()].filter((point) => sky.chosen[point]);

  function draw() {
    const { length } = selected();
    element.hidden = length === 0;
    many.textContent = `${length} ${length === 1 ? "sound" : "sounds"}`;
    sky.flagged();
    changed(length ? `${many.textContent} selected` : null);
  }

  function choose(points) {
    stop();
    sky.chosen.fill(0);
    for (const point of points) sky.chosen[point] = 1;
    draw();
  }

  function clear() {
    stop();
    if (sky.chosen.includes(1)) choose([]);
  }

  function keep(list, title) {
    const known = studio.library[list];
    const sounds = selected()
      .map((point) => [atlas.sound(point), nameOf(point)])
      .filter(([sound]) => !itemWith(known, soundText(sound)));
    const { note, patch } = studio.project;
    const items = sounds.map(([sound, name]) => itemOf(sound, name, note));
    const added = studio.library.keep(list, items, patch);
    if (!sounds.length) toast(`Already in ${title}.`);
    else if (added < sounds.length)
      toast(`Added ${added} of ${sounds.length} sounds to ${title}. There is no room for more.`);
    else toast(`Added ${added} ${added === 1 ? "sound" : "sounds"} to ${title}.`);
  }

  function playThrough() {
    studio.engine.enable();
    playing = { way: tour(sky.places, selected()), at: 0, timer: null };
    through.textContent = "Stop";
    next();
  }

  async function next() {
    const mine = playing;
    const ahead = mine.way.slice(mine.at, mine.at + AHEAD).map(atlas.sound);
    await studio.prepare(ahead).catch(() => {}); // it is heard all the same, a little later
    if (playing !== mine) return;
    play(mine.way[mine.at++]);
    mine.timer = setTimeout(mine.at < mine.way.length ? next : stop, STEP_MS);
  }

  // Stops playing through; returns whether it was under way.
  function stop() {
    if (!playing) return false;
    clearTimeout(playing.timer);
    playing = null;
    through.textContent = "Play through";
    rested();
    return true;
  }

  return {
    element,
    choose,
    clear,
    stop,
    toggle(point) {
      stop();
      sky.chosen[point] = 1 - sky.chosen[point];
      draw();
    },
  };
}
