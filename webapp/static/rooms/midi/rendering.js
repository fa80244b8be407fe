// Rendering a song: the job at the server from its start to the file, or to its end before.

import { h, toast } from "../../parts/dom.js";
import { cancelJob, followJob, jobFile, progressText } from "../../server/jobs.js";

// `kept.job` is the one under way, {id: null until the server names it, state, made} (see midi.js), and `kept.done` what
// came of the last. wish() is what to render, made() the text that a change of it can be told by; changed() when the job,
// or what came of it, is another; complain(sentence or null).
export function createRendering({ studio, kept, wish, made, changed, complain, signal }) {
  const button = h("button", { class: "button strong", onclick: start }, "Render");
  const bar = h("progress", { max: "1", "aria-label": "Rendering" });
  const how = h("span", { class: "how", role: "status" });
  const working = h(
    "div",
    { class: "player" },
    bar,
    how,
    h("button", { class: "button", onclick: () => cancel() }, "Cancel"),
  );

  async function start() {
    complain(null);
    const mine = { id: null, state: { state: "waiting", done: 0, total: 0, left: null }, made: made() };
    kept.job = mine;
    changed();
    try {
      mine.id = (await (await studio.askBody("midi/render", wish())).json()).job;
      if (kept.job !== mine) return cancelJob(studio, mine.id); // cancelled meanwhile
      await follow(mine);
    } catch (error) {
      if (kept.job === mine) kept.job = null;
      complain(error.message);
    }
    changed();
  }

  async function follow(mine) {
    const isOurs = () => kept.job === mine && !signal.aborted;
    const tell = (state) => {
      mine.state = state;
      if (isOurs()) drawProgress();
    };
    const last = await followJob(studio, mine.id, tell, toast);
    if (!isOurs()) return;
    kept.job = null;
    if (last.state === "failed") complain(last.error);
    if (last.state !== "done") return;
    const stems = last.about.stems ? jobFile(studio, mine.id, "stems") : null;
    kept.done = { href: jobFile(studio, mine.id), stems, about: last.about, made: mine.made };
    toast(`Rendered ${last.about.name}.`);
  }

  async function cancel() {
    const mine = kept.job;
    kept.job = null;
    changed();
    if (mine?.id) await cancelJob(studio, mine.id).catch(() => {}); // the server ends it by itself in time
  }

  function drawProgress() {
    const { state } = kept.job;
    if (state.total) bar.value = state.done / state.total;
    else bar.removeAttribute("value");
    how.textContent = progressText(state);
  }

  window.addEventListener(
    "pagehide",
    () => kept.job?.id && cancelJob(studio, kept.job.id, { leaving: true }).catch(() => {}),
    { signal },
  );

  return {
    button,
    working,
    cancel,
    // Goes on with a job that was under way when Gradio mounted the room anew.
    resume() {
      if (!kept.job?.id) return;
      const mine = kept.job;
      follow(mine)
        .catch((error) => {
          if (kept.job === mine) kept.job = null;
          complain(error.message);
        })
        .finally(changed);
    },
    // `fresh`: what was rendered last is what would be rendered now; `empty`: there is nothing to render with.
    draw({ fresh, empty }) {
      working.hidden = !kept.job;
      button.hidden = Boolean(kept.job);
      button.textContent = kept.done ? (fresh ? "Render again" : "Render the changes") : "Render";
      button.classList.toggle("strong", !fresh);
      button.disabled = empty;
      if (kept.job) drawProgress();
    },
  };
}
