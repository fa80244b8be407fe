// The bench: the project with its undo, its drags and its saving.
/** @import { Model, Project } from "./document/types.js" */
/** @import { Bench, Kept } from "./types.js" */

import { soundOf } from "./document/project.js";
import { restore } from "./document/restore.js";
import { soundText } from "./document/sound.js";
import { reduce } from "./document/store.js";
import { beginHistory, keptStep, nameRedo, nameUndo, redo, step, undo } from "./document/undo.js";
import { toast } from "./parts/dom.js";
import { readStorage, readTab, writeStorage, writeTab } from "./parts/storage.js";

const SAVE_MS = 300;

/**
 * Where the browser keeps a model's bench. A tab that is loaded again has its own; a new one begins with the newest.
 * @param {Model} model
 */
export const benchKey = ({ id }) => `gansynth-studio:${id}:bench`;

const former = ({ id }) => `gansynth-studio:${id}`; // with favourites and basket in it; see library.js

/**
 * @param {object} options
 * @param {Model} options.model
 * @param {Pick<Kept, "apply">} options.library  whose steps are undone in turn with those of the bench
 * @param {(before: Project, how: {isNewSound: boolean, live: boolean}) => void} options.onChange  `live` for a drag's moves
 * @returns {Bench}
 */
export function createBench({ model, library, onChange }) {
  const key = benchKey(model);
  const stored = restore(readTab(key) ?? readStorage(key) ?? readStorage(former(model)), model);
  if (stored.complaint) toast(`${stored.complaint} Started a new project.`);

  let history = beginHistory(stored.project);
  let sound = soundOf(history.present);
  let text = soundText(sound);
  let dragging = null; // the gesture under way: a number of its own
  let gestures = 0;
  let origin = null; // the history before that gesture
  let saving = null;

  function arrive(next, live = false) {
    const before = history.present;
    history = next;
    if (history.present === before) return;
    const former = text;
    sound = soundOf(history.present);
    text = soundText(sound);
    clearTimeout(saving);
    saving = setTimeout(save, SAVE_MS);
    onChange(before, { isNewSound: text !== former, live });
  }

  function save() {
    clearTimeout(saving);
    const kept = JSON.stringify(history.present);
    writeTab(key, kept);
    writeStorage(key, kept);
  }

  /**
   * @param {typeof undo} turn
   * @param {import("./document/types.js").Step | undefined} over  the step that is gone over
   * @param {"before" | "after"} side
   */
  function go(turn, over, side) {
    if (over?.kept) library.apply(over.kept, side);
    arrive(turn(history) ?? history);
  }

  return {
    get project() {
      return history.present;
    },
    get sound() {
      return sound;
    },
    get text() {
      return text;
    },
    dispatch: (action) => arrive(step(history, reduce(history.present, action, model))),
    begin() {
      if (dragging !== null) return false;
      dragging = ++gestures;
      origin = history;
      return true;
    },
    move: (action) => arrive(step(history, reduce(history.present, action, model), dragging), true),
    end() {
      if (dragging === null) return false;
      dragging = null;
      return true;
    },
    takeBack: () => arrive(origin, true),
    isDragging: () => dragging !== null,
    load: (project) => arrive(step(history, project)),
    record: (change) => void (history = keptStep(history, change)),
    undo: () => go(undo, history.past.at(-1), "before"),
    redo: () => go(redo, history.future[0], "after"),
    undoes: () => nameUndo(history),
    redoes: () => nameRedo(history),
    save,
  };
}
