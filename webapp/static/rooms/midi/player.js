// The rendered song: played, sought through and taken home.

import { h } from "../../parts/dom.js";
import { runner } from "../../parts/runner.js";
import { icon } from "../../parts/icons.js";
import { timeText } from "../../document/songpath.js";

// `kept.done` is the song (see midi.js); at(share of it, or null) is told where it plays, complain(sentence) why not.
export function createPlayer({ studio, kept, at, complain }) {
  const audio = h("audio", { preload: "auto" });
  const play = h("button", { class: "tool framed", onclick: () => (audio.paused ? listen() : audio.pause()) });
  const seek = h("input", {
    type: "range",
    min: "0",
    step: "0.01",
    value: "0",
    "aria-label": "Place in the song",
    oninput: () => (audio.currentTime = Number(seek.value)),
  });
  const clock = h("span", { class: "clock" });
  const save = h("a", { class: "button" }, icon("download"), "Download WAV");
  const stems = h("a", { class: "button" }, icon("download"), "Stems");
  const element = h("div", { class: "player" }, play, runner(seek, { tap: true }), clock, save, stems);
  for (const kind of ["play", "pause", "ended", "seeked", "loadedmetadata"]) audio.addEventListener(kind, drawClock);

  function listen() {
    studio.hush();
    audio.play().catch((error) => complain(`Can't play this song: ${error.message}`));
  }

  // Takes in the song that was rendered last, or lets go of one that was forgotten.
  function draw() {
    if (kept.done && audio.getAttribute("src") !== kept.done.href) {
      audio.src = kept.done.href;
      save.href = kept.done.href;
      save.download = kept.done.about.name;
      stems.hidden = !kept.done.stems;
      stems.href = kept.done.stems ?? "";
      stems.download = kept.done.about.stems ?? "";
    } else if (!kept.done && audio.hasAttribute("src")) {
      audio.pause();
      audio.removeAttribute("src");
    }
    drawClock();
  }

  function drawClock() {
    const length = kept.done?.about.seconds ?? 0;
    at(kept.done ? audio.currentTime / (kept.file.about.seconds || 1) : null);
    seek.max = String(length);
    if (document.activeElement !== seek || !audio.paused) seek.value = String(audio.currentTime);
    clock.textContent = `${timeText(audio.currentTime)} / ${timeText(length)}`;
    play.replaceChildren(icon(audio.paused ? "play" : "pause"));
    play.setAttribute("aria-label", audio.paused ? "Play the song" : "Pause the song");
    if (!audio.paused && element.isConnected) requestAnimationFrame(drawClock);
  }

  return {
    element,
    audio,
    draw,
    goTo(share) {
      if (!kept.done) return;
      audio.currentTime = share * kept.file.about.seconds;
      drawClock();
    },
  };
}
