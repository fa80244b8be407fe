// History: every sound that somebody listened to, newest first. It lies beside the project in the browser's storage,
// so undo leaves it alone: what one comes back from is just what one wants to find here.

import { h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { readStorage, writeStorage } from "../parts/storage.js";
import { itemOf, recall, remember } from "../document/memory.js";
import { soundList } from "../parts/soundlist.js";
import { nameOnBench } from "../parts/keeping.js";
import { soundText } from "../document/sound.js";

const SAVE_MS = 500;

let heard = null; // survives a second mount
export default function build(host, studio, { signal }) {
  const storageKey = `gansynth-studio:${studio.model.id}:heard`;
  let saving = null;
  heard ??= recall(readStorage(storageKey), studio.model);

  const list = soundList(studio, { label: "History", remove: (item) => change(heard.filter((one) => one !== item)) });
  const empty = h(
    "div",
    { class: "blank" },
    icon("clock"),
    h("strong", {}, "Nothing heard yet"),
    h("p", {}, "Each sound you rest on is kept here, so you can wander off and find your way back."),
  );
  host.append(list.element, empty);

  function change(next) {
    heard = next;
    clearTimeout(saving);
    saving = setTimeout(save, SAVE_MS);
    draw();
  }

  function save() {
    clearTimeout(saving);
    writeStorage(storageKey, JSON.stringify(heard));
  }

  function draw() {
    empty.hidden = heard.length > 0;
    list.draw(heard);
  }

  window.addEventListener("pagehide", save, { signal });
  studio.enter("history", {
    project: list.mark,
    heard: (sound, pitch) => change(remember(heard, itemOf(sound, nameOnBench(studio, soundText(sound)) ?? "", pitch))),
  });
  draw();
}
