// Small spectrograms of sounds: fetched one at a time, only those in sight, and only while nobody plays or waits.

import { h } from "./dom.js";
import { isDark, onTheme, themeName } from "./theme.js";
import { retryAfter } from "../server/net.js";
import { hueOf, soundText } from "../document/sound.js";

const MOST = 300; // pictures kept, of 2 kB each
const QUIET_MS = 250;
const SIZES = { small: [72, 32], large: [200, 90] }; // CSS pixels

const drawn = new Map(); // key -> object URL, least recently used first
const shown = new Map(); // element -> {studio, text, pitch, size} of all thumbnails in sight
let pumping = false;

const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) shown.set(target, subjects.get(target));
    else shown.delete(target);
  }
  pump();
});
const subjects = new WeakMap();

onTheme(pump);

// An element that shows the spectrogram of `sound` at `pitch` as soon as it is in sight and nobody plays.
export function thumb(studio, sound, pitch, size = "small") {
  const [width, height] = SIZES[size];
  const element = h(
    "span",
    { class: `thumb ${size}` },
    h("img", { alt: "", width: String(width), height: String(height), hidden: true }),
  );
  element.style.setProperty("--hue", hueOf(sound, studio.model));
  subjects.set(element, { studio, text: soundText(sound), pitch, size });
  sight.observe(element);
  return element;
}

const keyOf = ({ studio, text, pitch, size }) => JSON.stringify([studio.model.digest, text, pitch, size, isDark()]);

function paint(element, key) {
  const image = element.firstChild;
  if (image.dataset.key === key) return;
  const url = drawn.get(key);
  drawn.delete(key); // put back as the newest
  drawn.set(key, url);
  image.src = url;
  image.dataset.key = key;
  image.hidden = false;
}

// Draws what is there and returns the first that is missing: {key, subject}, or null.
function missing() {
  let first = null;
  for (const [element, subject] of shown) {
    if (!element.isConnected) {
      shown.delete(element);
      sight.unobserve(element);
      continue;
    }
    const key = keyOf(subject);
    if (drawn.has(key)) paint(element, key);
    else if (!first && element.dataset.failed !== key) first = { element, key, subject };
  }
  return first;
}

async function pump() {
  if (pumping) return;
  pumping = true;
  for (let next = missing(); next; next = missing()) {
    const { element, key, subject } = next;
    const { studio, text, pitch, size } = subject;
    if (!studio.isQuiet()) {
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      continue;
    }
    const [width, height] = SIZES[size];
    try {
      const answer = await studio.askModel("thumb", { sound: text, pitch, width, height, theme: themeName() });
      keep(key, URL.createObjectURL(await answer.blob()));
    } catch (error) {
      const delay = retryAfter(error);
      if (delay === null)
        element.dataset.failed = key; // a sound that cannot be made stays without a picture
      else await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
  pumping = false;
}

function keep(key, url) {
  drawn.set(key, url);
  while (drawn.size > MOST) {
    const [oldest, thrown] = drawn.entries().next().value;
    drawn.delete(oldest);
    URL.revokeObjectURL(thrown);
  }
}
