// Opening a MIDI file: chosen, dropped on the room, or dropped anywhere on the page.

import { toBase64 } from "../../document/bytes.js";
import { blank } from "../../parts/controls.js";
import { h } from "../../parts/dom.js";
import { takeFiles } from "../../parts/drop.js";
import { show } from "../../parts/tabs.js";

// opened({name, midi (base64), about}) when the server has read one. Returns {picker, problem, blank} to be placed,
// choose() which asks for a file, and complain(sentence or null).
export function createOpening(host, studio, opened) {
  const picker = h("input", {
    type: "file",
    accept: ".mid,.midi,.rmi,audio/midi,audio/x-midi",
    hidden: true,
    "aria-label": "MIDI file",
    onchange: () => open(picker.files[0]),
  });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const choose = () => picker.click();

  function complain(sentence) {
    problem.hidden = !sentence;
    problem.textContent = sentence ?? "";
  }

  async function open(file) {
    picker.value = "";
    if (!file) return;
    complain(null);
    const largest = studio.model.shared.limits.midi_bytes;
    if (file.size > largest) return complain(`${file.name} is larger than ${largest / 1e6} MB. Choose a smaller file.`);
    host.dataset.reading = "true";
    try {
      const midi = toBase64(new Uint8Array(await file.arrayBuffer()));
      const about = await (await studio.askBody("midi/look", { midi })).json();
      await opened({ name: file.name, midi, about });
    } catch (error) {
      complain(error.message);
    }
    delete host.dataset.reading;
  }

  takeFiles("midi", {
    endings: [".mid", ".midi", ".rmi"],
    what: "a MIDI file (.mid)",
    open: (dropped) => (show("midi"), open(dropped)),
  });
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    host.addEventListener(kind, (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      host.classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop") open(event.dataTransfer.files[0]);
    });
  }

  return {
    picker,
    problem,
    blank: blank(
      "notes",
      "Drop a MIDI file here",
      "Its instruments play it, or sounds of yours that turn into one another along the song.",
      h("button", { class: "button strong", onclick: choose }, "Choose a file"),
    ),
    choose,
    complain,
  };
}
