// The bench: the project with its undo, its drags and its saving.
/** @import { Model, Project } from "./document/types.js" */
/** @import { Bench } from "./types.js" */

import { soundOf } from "./document/project.js";
import { restore } from "./document/restore.js";
import { soundText } from "./document/sound.js";
import { reduce } from "./document/store.js";
import { beginHistory, nameStep, redo, step, undo } from "./document/undo.js";
import { toast } from "./parts/dom.js";
import { readStorage, writeStorage } from "./parts/storage.js";

const SAVE_MS = 300;

/**
 * @param {object} options
 * @param {Model} options.model
 * @param {(before: Project, how: {isNewSound: boolean, live: boolean}) => void} options.onChange  `live` for a drag's moves
 * @returns {Bench}
 */
export function createBench({ model, onChange }) {
  const storageKey = `gansynth-studio:${model.id}`;
  const stored = restore(readStorage(storageKey), model);
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
    writeStorage(storageKey, JSON.stringify(history.present));
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
    undo: () => arrive(undo(history) ?? history),
    redo: () => arrive(redo(history) ?? history),
    undoes: () => (history.past.length ? nameStep(history.past.at(-1), history.present) : null),
    redoes: () => (history.future.length ? nameStep(history.present, history.future[0]) : null),
    save,
  };
}
