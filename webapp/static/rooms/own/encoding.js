// Making a sound of a recording: the job at the server from its start to what came of it, or to its end before.

import { wavFile } from "../../audio/wav.js";
import { soundText } from "../../document/sound.js";
import { h, toast } from "../../parts/dom.js";
import { cancelJob, followJob, progressText } from "../../server/jobs.js";

/**
 * `kept.job` is the one under way, {id: null until the server names it, state, ended(about)}. changed() when it is another;
 * complain(sentence) when it fails. Returns {element, start, cancel, resume, draw}.
 */
export function createEncoding({ studio, kept, changed, complain, signal }) {
  const bar = h("progress", { max: "1", "aria-label": "Making the sound" });
  const how = h("span", { class: "how", role: "status" });
  const stop = h("button", { class: "button", onclick: () => cancel() }, "Cancel");
  const element = h("div", { class: "working" }, bar, how, stop);

  /**
   * @param {import("../../audio/types.js").Recording} recording  the part that is heard
   * @param {{name: string, pitch: number | null, start?: import("../../document/types.js").Sound | null, steps?: number}} wish
   *     `pitch` null to have it found; `start`: a sound to go on from
   * @param {(about: any) => void} ended
   */
  async function start({ samples, rate }, { name, pitch, start: from = null, steps }, ended) {
    await cancel();
    complain(null);
    const mine = { id: null, state: { state: "waiting", done: 0, total: 0, left: null }, ended };
    kept.job = mine;
    changed();
    const parameters = {
      name,
      ...(pitch === null ? {} : { pitch }),
      ...(steps ? { steps } : {}),
      ...(from ? { start: soundText({ ...from, imprint: undefined }) } : {}),
    };
    try {
      const file = wavFile(samples, rate);
      mine.id = (await (await studio.sendFile("encode", file, "application/octet-stream", parameters)).json()).job;
      if (kept.job !== mine) return cancelJob(studio, mine.id); // cancelled meanwhile
      await follow(mine);
    } catch (error) {
      failed(mine, error);
    }
    return undefined;
  }

  function failed(mine, error) {
    if (kept.job !== mine) return;
    kept.job = null;
    complain(error.message);
    changed();
  }

  async function follow(mine) {
    const isOurs = () => kept.job === mine && !signal.aborted;
    const tell = (state) => {
      mine.state = state;
      if (isOurs()) draw();
    };
    const last = await followJob(studio, mine.id, tell, toast);
    if (!isOurs()) return;
    kept.job = null;
    if (last.state === "failed") complain(last.error);
    if (last.state === "done") mine.ended(last.about);
    changed();
  }

  async function cancel() {
    const mine = kept.job;
    kept.job = null;
    if (!mine) return;
    changed();
    if (mine.id) await cancelJob(studio, mine.id).catch(() => {}); // the server ends it by itself in time
  }

  function draw() {
    element.hidden = !kept.job;
    if (!kept.job) return;
    const { state } = kept.job;
    if (state.total) bar.value = state.done / state.total;
    else bar.removeAttribute("value");
    const isHeard = state.state === "running" && !state.total;
    how.textContent = isHeard ? "Listening to it …" : progressText(state);
  }

  window.addEventListener(
    "pagehide",
    () => kept.job?.id && cancelJob(studio, kept.job.id, { leaving: true }).catch(() => {}),
    { signal },
  );

  return {
    element,
    start,
    cancel,
    draw,
    // Goes on with a job that was under way when Gradio mounted the room anew.
    resume() {
      const mine = kept.job;
      if (mine?.id) follow(mine).catch((error) => failed(mine, error));
    },
  };
}
