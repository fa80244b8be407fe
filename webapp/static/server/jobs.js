// Following a job of the server (a pack, a song) from its start to its file.
/** @import { Job, ModelClient } from "./types.js" */

import { persist, whileRetrying } from "./net.js";

const ASK_MS = 400;
const OVER = ["done", "failed", "cancelled"];

/**
 * Tells the job's state again and again until it is over, and returns its last one. Throws when the server no longer knows
 * the job.
 * @param {ModelClient} studio
 * @param {string} job
 * @param {(state: Job) => void} tell
 * @param {(sentence: string) => void} onRetry  when the server does not answer for a while
 * @returns {Promise<Job>}
 */
export async function followJob(studio, job, tell, onRetry) {
  for (;;) {
    const asking = () => studio.askModel(`jobs/${job}`, {}).then((answer) => answer.json());
    const state = await persist(asking, { onRetry: (error) => onRetry(whileRetrying(error)) });
    tell(state);
    if (OVER.includes(state.state)) return state;
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
  }
}

/**
 * @param {ModelClient} studio
 * @param {string} job
 * @param {{leaving?: boolean}} [options]  whether the page is about to go, and the request has to outlive it
 */
export const cancelJob = (studio, job, { leaving = false } = {}) =>
  studio.askBody(`jobs/${job}/cancel`, {}, { keepalive: leaving });

/**
 * Address of a job's file, or of one `beside` it.
 * @param {ModelClient} studio
 * @param {string} job
 * @param {string} [beside]
 */
export const jobFile = (studio, job, beside) => studio.noteAddress(`jobs/${job}/file`, beside ? { beside } : {}).href;

/**
 * "Waiting for its turn …", "Starting …", "48 %, 20 s left"
 * @param {Pick<Job, "state" | "done" | "total" | "left">} job
 */
export function progressText({ state, done, total, left }) {
  if (state === "waiting") return "Waiting for its turn …";
  if (!total) return "Starting …";
  const share = `${Math.floor((100 * done) / total)} %`;
  return left === null
    ? share
    : `${share}, ${left < 90 ? `${Math.ceil(left)} s` : `${Math.round(left / 60)} min`} left`;
}
