// What a pack would come to, its export with progress and cancel, and the last one that was made.

import { estimateText, notesText, planOf, sizeText } from "../../document/packoptions.js";
import { cutName, h, toast } from "../../parts/dom.js";
import { icon } from "../../parts/icons.js";
import { cancelJob, followJob, jobFile, progressText } from "../../server/jobs.js";
import { createLatest } from "../../server/net.js";

// What stays while Gradio mounts the room anew: the export under way, and the last one that was done.
let job = null; // {id}, which is null until the server has named it
let progress = null;
let done = null; // {href, about}
let onJob = () => {};

// `options()` are the sheet's. Returns {element, draw()}.
export function createExport(studio, options) {
  const weight = h("p", { class: "weight", role: "status" });
  const start = h("button", { class: "button strong", onclick: run }, icon("download"), "Export");
  const bar = h("progress", { max: "1", "aria-label": "Export" });
  const how = h("span", { class: "how", role: "status" });
  const stop = h("button", { class: "button", onclick: cancel }, "Cancel");
  const again = h("a", { class: "again" });
  const ready = h("div", { class: "line" }, weight, start);
  const working = h("div", { class: "line" }, bar, how, stop);
  const planned = () => planOf(options(), studio.model);

  const estimator = createLatest(
    (wish) => studio.askBody("pack/estimate", wish).then((answer) => answer.json()),
    (found) => (found.refused ? tell(found.refused, false) : tell(estimateText(found), true)),
    (error) => tell(error.message, false),
  );

  function tell(text, good) {
    weight.textContent = text;
    weight.classList.toggle("problem", !good);
    start.disabled = !good;
  }

  function weigh() {
    const { length } = studio.library.basket;
    if (length || options().wavetable) return estimator.ask({ sounds: length, options: planned() });
    estimator.forget();
    tell("Nothing to export yet.", true);
    start.disabled = true;
  }

  async function run() {
    if (job) return;
    const { slots } = studio.project;
    const sounds = studio.library.basket.map((item) => ({ sound: item.sound, name: item.name, patch: item.patch }));
    const mine = (job = { id: null });
    progress = { state: "waiting", done: 0, total: 0, left: null };
    onJob();
    try {
      const ends = [slots.a.sound, slots.b.sound];
      const answer = await studio.askBody("pack/export", { sounds, ends, options: planned() });
      mine.id = (await answer.json()).job;
      if (job !== mine) return await cancelJob(studio, mine.id); // cancelled before it had an id
      const last = await followJob(studio, mine.id, (state) => ((progress = state), onJob()), toast);
      if (last.state === "done") finish(last.about);
      else if (last.error) toast(last.error);
    } catch (error) {
      toast(error.message);
    }
    if (job === mine) end();
  }

  function finish(about) {
    done = { href: jobFile(studio, job.id), about };
    h("a", { href: done.href, download: about.name }).click();
  }

  function end() {
    job = progress = null;
    onJob();
  }

  function cancel() {
    if (job?.id) cancelJob(studio, job.id).catch((error) => toast(error.message));
    else end();
  }

  function drawJob() {
    working.hidden = !job;
    ready.hidden = Boolean(job);
    if (job) {
      const finished = progress.total > 0 && progress.done >= progress.total;
      if (progress.total) bar.value = progress.done / progress.total;
      else bar.removeAttribute("value");
      how.textContent = finished ? "Packing …" : progressText(progress);
    }
    again.hidden = !done || Boolean(job);
    if (!done) return;
    const { name: file, notes, bytes, leftOut, kept, findings } = done.about;
    again.href = done.href;
    again.setAttribute("download", file);
    const faulty = kept + findings;
    const missing = leftOut ? `, ${leftOut} left out` : faulty ? `, ${faulty} with a fault` : "";
    const what = `: ${notesText(notes)}, ${sizeText(bytes)}${missing}`;
    again.replaceChildren(cutName("span", file), what);
    again.setAttribute("aria-label", file + what); // a name in two pieces is read as two words
    again.title =
      leftOut || faulty ? "manifest.json in the pack says why" : "Read back and found clean. Download it again";
  }

  onJob = drawJob;
  return {
    element: h("div", { class: "foot" }, again, ready, working),
    draw() {
      weigh();
      drawJob();
    },
  };
}
