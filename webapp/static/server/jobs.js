// Following a job of the server (a pack, a song) from its start to its file.

import { persist, whileRetrying } from "./net.js";

const ASK_MS = 400;
const OVER = ["done", "failed", "cancelled"];

// Calls tell(state) again and again until the job is over, and returns its last state: {state, done, total, left, error,
// about}. onRetry(sentence) when the server does not answer for a while. Throws when it no longer knows the job.
export async function followJob(studio, job, tell, onRetry) {
  for (;;) {
    const asking = () => studio.askModel(`jobs/${job}`, {}).then((answer) => answer.json());
    const state = await persist(asking, { onRetry: (error) => onRetry(whileRetrying(error)) });
    tell(state);
    if (OVER.includes(state.state)) return state;
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
  }
}

// `leaving`: the page is about to go, and the request has to outlive it.
export const cancelJob = (studio, job, { leaving = false } = {}) =>
  studio.askBody(`jobs/${job}/cancel`, {}, { keepalive: leaving });

export const jobFile = (studio, job) => studio.noteAddress(`jobs/${job}/file`, {}).href;

// "Waiting for its turn …", "Starting …", "48 %, 20 s left"
export function progressText({ state, done, total, left }) {
  if (state === "waiting") return "Waiting for its turn …";
  if (!total) return "Starting …";
  const share = `${Math.floor((100 * done) / total)} %`;
  return left === null
    ? share
    : `${share}, ${left < 90 ? `${Math.ceil(left)} s` : `${Math.round(left / 60)} min`} left`;
}
