// History: every sound that somebody listened to, newest first. It is stored beside the project, so that undo does not
// touch it: what somebody undid is often what they look for here.

import { blank } from "../parts/controls.js";
import { readStorage, writeStorage } from "../parts/storage.js";
import { itemOf, recall, remember } from "../document/memory.js";
import { soundList } from "../parts/soundlist.js";
import { nameOnBench } from "../parts/keeping.js";
import { soundText } from "../document/sound.js";

const SAVE_MS = 500;

let heard = null; // outlives the room when Gradio mounts it again

export default function build(host, studio, { signal }) {
  const storageKey = `gansynth-studio:${studio.model.id}:heard`;
  let saving = null;
  heard ??= recall(readStorage(storageKey), studio.model);

  const list = soundList(studio, { label: "History", remove: (item) => change(heard.filter((one) => one !== item)) });
  const empty = blank("clock", "Nothing heard yet", "Sounds you linger on are kept here, so you can find them again.");
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
