// The browser's database for what is kept beside projects. One for all tabs: each writes the records it changed and tells
// the others. Private windows may refuse it: what cannot be kept is forgotten with the page.
/** @import { KeptRecord } from "../document/types.js" */
/** @import { Database, Written } from "./types.js" */

import { keyOf } from "../document/library.js";

const NAME = "gansynth-studio";
const VERSION = 1;
const STORE = "kept"; // records {model, list, place, item}
const PATH = ["model", "list", "item.id"];

/** @type {<Result>(request: IDBRequest<Result>) => Promise<Result>} */
const answerOf = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @type {() => Promise<IDBDatabase>} */
function open() {
  const request = indexedDB.open(NAME, VERSION);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: PATH });
  return answerOf(request);
}

/**
 * What is kept for a model. `changed(written)` is called with what other tabs wrote.
 * @param {string} model  its id
 * @param {(written: Written) => void} changed
 * @returns {Promise<Database>}
 */
export async function openDatabase(model, changed) {
  const base = await open();
  base.onversionchange = () => base.close(); // a newer page in another tab needs another version
  const channel = new BroadcastChannel(`${NAME}:${model}`);
  channel.onmessage = ({ data }) => changed(data);
  const keys = IDBKeyRange.bound([model], [model, []]); // an array sorts behind every text

  return {
    /** @returns {Promise<KeptRecord[]>} */
    read: () => answerOf(base.transaction(STORE).objectStore(STORE).getAll(keys)),
    write(written) {
      return new Promise((resolve, reject) => {
        const writing = base.transaction(STORE, "readwrite", { durability: "strict" });
        const store = writing.objectStore(STORE);
        for (const record of written.put) store.put(record);
        for (const record of written.gone) store.delete([record.model, record.list, record.item.id]);
        writing.oncomplete = () => {
          channel.postMessage(written);
          resolve();
        };
        writing.onabort = () => reject(writing.error);
      });
    },
  };
}

/**
 * What a write did, as a change of the shelf.
 * @param {Written} written
 * @param {Map<string, KeptRecord>} shelf
 */
export const changeBy = ({ put, gone }, shelf) => [
  ...put.map((record) => ({ key: keyOf(record), before: shelf.get(keyOf(record)) ?? null, after: record })),
  ...gone.map((record) => ({ key: keyOf(record), before: record, after: null })),
];
