// The routes of one model.
/** @import { Model } from "../document/types.js" */
/** @import { ModelClient } from "./types.js" */

import { ask } from "./net.js";

const LONGEST_ADDRESS = 6000; // characters of a sound in an address; longer ones go in a request's body

const address = (path) => new URL(`gradio_api/studio/${path}`, document.baseURI);

/**
 * The model of this id, or the one that the app was started with, as it introduces itself.
 * @param {string | null} [id]
 * @returns {Promise<Model>}
 */
export async function fetchModel(id) {
  const url = address("model");
  if (id) url.searchParams.set("id", id);
  return (await ask(url)).json();
}

/**
 * @param {Model} model
 * @returns {ModelClient}
 */
export function createModelClient(model) {
  /** @type {ModelClient["noteAddress"]} */
  function noteAddress(kind, parameters) {
    const url = address(`${model.digest}/${kind}`);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, String(value));
    return url;
  }

  /** @type {ModelClient["askBody"]} */
  function askBody(kind, parameters, options = {}) {
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify(parameters);
    return ask(address(`${model.digest}/${kind}`), { ...options, method: "POST", headers, body });
  }

  return {
    noteAddress,
    askBody,
    askModel(kind, parameters, options = {}) {
      if ((parameters.sound?.length ?? 0) < LONGEST_ADDRESS) return ask(noteAddress(kind, parameters), options);
      return askBody(kind, parameters, options);
    },
    sendFile: (kind, file, type, parameters, options = {}) =>
      ask(noteAddress(kind, parameters), { ...options, method: "POST", headers: { "Content-Type": type }, body: file }),
  };
}
