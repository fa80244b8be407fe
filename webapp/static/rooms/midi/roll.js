// The song's notes as a picture, each in the colour of its part or of what the path holds at its time.

import { h } from "../../parts/dom.js";
import { onShown } from "../../parts/tabs.js";
import { onTheme, themeName } from "../../parts/theme.js";
import { hueOf } from "../../document/sound.js";
import { inOrder } from "../../document/songpath.js";
import { clamp } from "../../document/numbers.js";

const MISSING = 70; // degrees of hue: the colour of a path without any stop
const THICKEST = 9; // CSS pixels of a note
const THINNEST = 1.5;

// shown() is {about, hueOfPart} of the song in sight (see midi.js), or null; seek(share of the song) when somebody points into it.
export function createRoll({ model, path, shown, seek, signal }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const head = h("div", { class: "playhead", hidden: true });
  const element = h("div", { class: "roll", onpointerdown: point }, canvas, head);
  let painting = 0;

  function point(event) {
    const { left, width } = element.getBoundingClientRect();
    seek(clamp((event.clientX - left) / width, 0, 1));
  }

  function hueAlong(ordered, at) {
    if (!ordered.length) return MISSING;
    const next = ordered.findIndex((one) => one.at > at);
    if (next === 0) return hueOf(ordered[0].sound, model);
    const before = ordered.at(next < 0 ? -1 : next - 1);
    if (next < 0) return hueOf(before.sound, model);
    const [from, to] = [before, ordered[next]].map((one) => hueOf(one.sound, model));
    const share = (at - before.at) / (ordered[next].at - before.at);
    return from + share * (((to - from + 540) % 360) - 180); // the shorter way round
  }

  function paint() {
    painting = 0;
    const song = shown();
    const { clientWidth: width, clientHeight: height } = element;
    if (!song || !width || !height) return;
    const scale = window.devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const { roll, seconds } = song.about;
    const hues = song.about.parts.map((part, number) => song.hueOfPart(number));
    const heard = roll.filter(([, , , part]) => hues[part] !== null);
    const notes = heard.length ? heard : roll;
    const pitches = notes.map(([, , pitch]) => pitch);
    const low = Math.min(...pitches) - 1;
    const high = Math.max(...pitches) + 1;
    const row = height / (high - low + 1);
    const light = themeName() === "dark" ? 0.76 : 0.56;
    const ordered = inOrder(path.stops);
    for (const [start, end, pitch, part] of notes) {
      const hue = hues[part] === "path" ? hueAlong(ordered, start / seconds) : hues[part];
      context.fillStyle = `oklch(${light} ${hue === null ? 0 : 0.13} ${hue ?? 0})`;
      context.fillRect(
        (start / seconds) * width,
        (high - pitch) * row,
        Math.max(THINNEST, ((end - start) / seconds) * width - 0.5),
        Math.max(THINNEST, Math.min(row - 0.5, THICKEST)),
      );
    }
  }
  const repaint = () => (painting ||= requestAnimationFrame(paint));

  onTheme(repaint, signal);
  onShown("midi", repaint, signal);
  new ResizeObserver(repaint).observe(element);

  return {
    element,
    repaint,
    // Where the song is while it plays, as a share of it; null takes the line away.
    playAt(share) {
      head.hidden = share === null;
      if (share !== null) head.style.left = `${Math.min(100, 100 * share)}%`;
    },
  };
}
