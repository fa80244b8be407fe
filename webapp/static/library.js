// The library of the page: favourites, the pack's basket and the history of one model, in the browser's database, where all
// tabs share them.
/** @import { KeptChange, KeptRecord, Model, Shelf } from "./document/types.js" */
/** @import { Database } from "./parts/types.js" */
/** @import { Kept } from "./types.js" */

import { benchKey } from "./bench.js";
import { checkedItem, knownSound } from "./document/checked.js";
import { adding, asPlayed, changedShelf, forgetting, hearing, itemsOf, keeping, keyOf } from "./document/library.js";
import { libraryText, LISTS, moving, readLists, renaming } from "./document/library.js";
import { restore } from "./document/restore.js";
import { storedList } from "./document/stored.js";
import { changeBy, openDatabase } from "./parts/database.js";
import { toast } from "./parts/dom.js";
import { readStorage, removeStorage, writeStorage } from "./parts/storage.js";

const UNKEPT = "This browser keeps nothing here: favourites, history and basket last as long as this page.";

// What pages before the library kept in the browser's small storage: the project with its lists, and the history.
const formerKeys = (model) => [`gansynth-studio:${model.id}`, `gansynth-studio:${model.id}:heard`];

/**
 * The library of a model, with what an older page kept elsewhere.
 * @param {Model} model
 * @returns {Promise<Kept>}
 */
export async function openLibrary(model) {
  const early = []; // what other tabs write while this one reads
  let hear = (written) => void early.push(written);
  let database = null;
  let records = [];
  try {
    database = await openDatabase(model.id, (written) => hear(written));
    records = await database.read();
  } catch {
    database = null;
  }
  const library = createLibrary(model, database, records);
  hear = library.hear;
  early.forEach(hear);
  await moveIn(model, library);
  return library;
}

/**
 * Lists of older pages move in; what they were kept under goes once they are safely here.
 * @param {Model} model
 * @param {Kept} library
 */
async function moveIn(model, library) {
  const [projectKey, heardKey] = formerKeys(model);
  const [project, heard] = [readStorage(projectKey), readStorage(heardKey)];
  if (project === null && heard === null) return;
  const { kept, complaint } = restore(project, model);
  const old = readLists({ heard: storedList(heard) }, model).kept.heard;
  if (!(await library.moveIn({ ...kept, heard: old }))) return;
  removeStorage(heardKey);
  if (complaint || project === null) return;
  if (readStorage(benchKey(model)) === null) writeStorage(benchKey(model), project);
  removeStorage(projectKey);
}

/**
 * @param {Model} model
 * @param {Database | null} database  null where the browser has none
 * @param {KeptRecord[]} records
 */
export function createLibrary(model, database, records) {
  const isKnown = ({ item }) => checkedItem(item, model) !== null && knownSound(item.sound, model) !== null;
  /** @type {Shelf} */
  let shelf = new Map(records.filter(isKnown).map((record) => [keyOf(record), record]));
  let lists = null; // read off the shelf when they are asked for
  let isWarned = false;
  /** @type {Parameters<Kept["watch"]>[0]} */
  let told = { changed: () => {}, undoable: () => {} };

  function warn() {
    if (!isWarned) toast(UNKEPT);
    isWarned = true;
  }

  // Whether it could.
  async function write(written) {
    try {
      await database.write(written);
      return true;
    } catch {
      warn();
      return false;
    }
  }

  /**
   * @param {KeptChange} change
   * @param {"before" | "after"} [side]
   */
  function take(change, side = "after") {
    shelf = changedShelf(shelf, change, side);
    lists = null;
    told.changed();
  }

  /** @type {(change: KeptChange, side?: "before" | "after") => Promise<boolean>} */
  function apply(change, side = "after") {
    if (!change.length) return Promise.resolve(Boolean(database));
    take(change, side);
    const other = side === "after" ? "before" : "after";
    const put = change.map((one) => one[side]).filter(Boolean);
    const gone = change.filter((one) => !one[side]).map((one) => one[other]);
    return write({ put, gone });
  }

  /** @param {KeptChange} change */
  function step(change) {
    if (!change.length) return 0;
    told.undoable(change);
    apply(change);
    return change.length;
  }

  function read(list) {
    lists ??= Object.fromEntries(LISTS.map((one) => [one, itemsOf(shelf, one)]));
    return lists[list];
  }

  return {
    get favourites() {
      return read("favourites");
    },
    get basket() {
      return read("basket");
    },
    get heard() {
      return read("heard");
    },
    keep(list, items, patch) {
      const given = list === "basket" ? items.map((item) => asPlayed(item, patch, model)) : items;
      navigator.storage?.persist?.().catch(() => {});
      return step(keeping(shelf, list, given, model, Date.now()));
    },
    forget: (list, ids) => step(forgetting(shelf, list, ids)),
    rename: (list, id, change) => step(renaming(shelf, list, id, change, model)),
    move: (list, id, to) => step(moving(shelf, list, id, to)),
    add: (given) => step(adding(shelf, given, model, Date.now())),
    hears: (item) => void apply(hearing(shelf, item, model, Date.now())),
    unhear: (id) => void apply(forgetting(shelf, "heard", [id])),
    apply,
    text: () => libraryText(shelf, model),
    hear: (written) => take(changeBy({ ...written, put: written.put.filter(isKnown) }, shelf)),
    watch: (listener) => void (told = listener),
    moveIn: (given) => apply(adding(shelf, given, model, Date.now())),
  };
}
