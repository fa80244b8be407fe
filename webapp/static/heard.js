// History: every sound that somebody listened to, newest first. It lies beside the project in the browser's storage,
// so undo leaves it alone: what one comes back from is just what one wants to find here.

import { h, hostOf, icon } from "./dom.js";
import { itemOf, recall, remember } from "./memory.js";
import { nameOnBench, soundList } from "./soundlist.js";
import { soundText } from "./sound.js";
import { openStudio } from "./studio.js";

const CLOCK = ["M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16Z", "M12 8v4.2l3 1.8"];
const SAVE_MS = 500;

let heard = null; // survives a second mount
let leave = null;

export default async function mount({ element }) {
  leave?.();
  const leaving = new AbortController();
  leave = () => leaving.abort();
  const host = hostOf(element);
  const studio = await openStudio();
  const storageKey = `gansynth-studio:${studio.model.id}:heard`;
  let saving = null;
  heard ??= recall(read(storageKey), studio.model);

  const list = soundList(studio, { label: "History", remove: (item) => change(heard.filter((one) => one !== item)) });
  const empty = h(
    "div", { class: "blank" }, icon(...CLOCK), h("strong", {}, "Nothing heard yet"),
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
    try {
      localStorage.setItem(storageKey, JSON.stringify(heard));
    } catch {
      // Without storage the history lasts until the page is left.
    }
  }

  function draw() {
    empty.hidden = heard.length > 0;
    list.draw(heard);
  }

  window.addEventListener("pagehide", save, { signal: leaving.signal });
  studio.enter("heard", {
    project: list.mark,
    heard: (sound, pitch) => change(remember(heard, itemOf(sound, nameOnBench(studio, soundText(sound)) ?? "", pitch))),
  });
  draw();
}

function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
