// A MIDI file played along a path of sounds: its notes, the path below them, and the song it becomes.

import { receives } from "../parts/dragdrop.js";
import { h, toast, toggle } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { readStorage, writeStorage } from "../parts/storage.js";
import { onTheme } from "../parts/theme.js";
import { takeFiles } from "../parts/drop.js";
import { cancelJob, followJob, jobFile, progressText } from "../server/jobs.js";
import { nameOnBench } from "../parts/keeping.js";
import { hueOf, titleOf } from "../document/sound.js";
import { clamp } from "../document/numbers.js";
import { inOrder, MOST_STOPS, pathOf, recallStops, spread, timeText, withStop } from "../document/songpath.js";
import { show } from "../parts/tabs.js";

const MISSING = 70; // degrees of hue: what a path without any stop is coloured in

// What stays while Gradio mounts the room anew: the file, the job, and what came of it.
let file = null; // {name, midi (base64), about}
let drums = false;
let job = null; // id of the one under way
let done = null; // {href, about, made (text of what it was made of)}
export default function build(host, studio, { signal }) {
  const { model } = studio;
  const storageKey = `gansynth-studio:song-path:${model.id}`;

  let stops = recallStops(readStorage(storageKey), model);
  let chosen = null; // id of the stop whose details are shown
  let state = null; // of the job

  // --- the empty room ---

  const picker = h("input", {
    type: "file",
    accept: ".mid,.midi,audio/midi,audio/x-midi",
    hidden: true,
    "aria-label": "MIDI file",
    onchange: () => open(picker.files[0]),
  });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const blank = h(
    "div",
    { class: "blank" },
    icon("notes"),
    h("strong", {}, "Drop a MIDI file here"),
    h("p", {}, "Its notes are played by your sounds, which turn into one another along the song."),
    h("button", { class: "button strong", onclick: () => picker.click() }, "Choose a file"),
  );

  // --- the song ---

  const title = h("strong", { class: "title" });
  const facts = h("span", { class: "facts" });
  const canvas = h("canvas", { "aria-hidden": "true" });
  const head = h("div", { class: "playhead", hidden: true });
  const roll = h("div", { class: "roll", onpointerdown: seekAt }, canvas, head);
  const track = h("div", { class: "track", role: "group", "aria-label": "Path of sounds" });
  const here = h("button", { class: "button", onclick: () => add({ sound: studio.sound, name: titleHere() }) });
  const slots = ["a", "b"].map((slot) => h("button", { class: "button", onclick: () => add(fromSlot(slot)) }));
  const favourites = h("select", { "aria-label": "Add a favourite", onchange: addFavourite });
  const even = h(
    "button",
    { class: "button", title: "Spread the sounds evenly over the song", onclick: () => change(spread(stops)) },
    "Spread evenly",
  );
  const detail = h("div", { class: "detail" });
  const withDrums = toggle(
    "Play drums",
    "The drum channel is played by the same sounds, as if it were a melody",
    (on) => {
      drums = on;
      draw();
    },
  );
  const notices = h("ul", { class: "notices", "aria-label": "What sounds otherwise than the file says" });

  // --- rendering and listening ---

  const render = h("button", { class: "button strong", onclick: start }, "Render");
  const bar = h("progress", { max: "1", "aria-label": "Rendering" });
  const how = h("span", { class: "how", role: "status" });
  const stop = h("button", { class: "button", onclick: cancel }, "Cancel");
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
  const player = h("div", { class: "player" }, play, seek, clock, save);
  const working = h("div", { class: "player" }, bar, how, stop);

  const song = h(
    "div",
    { class: "song" },
    h(
      "div",
      { class: "head" },
      title,
      facts,
      h("button", { class: "button", onclick: () => picker.click() }, "Other file"),
    ),
    h("div", { class: "stage" }, roll, track),
    detail,
    h("div", { class: "adders" }, h("span", { class: "label" }, "Add"), here, ...slots, favourites, even),
    notices,
    withDrums.element,
    h("div", { class: "foot" }, player, working, render),
  );
  host.append(picker, problem, blank, song, audio);

  const titleHere = () => nameOnBench(studio) ?? titleOf(studio.sound, model);
  const fromSlot = (slot) => {
    const { sound, name } = studio.project.slots[slot];
    return { sound, name: name ?? titleOf(sound, model) };
  };
  const made = () => JSON.stringify([file.name, drums, pathOf(stops)]);

  // --- the file ---

  async function open(chosenFile) {
    picker.value = "";
    if (!chosenFile) return;
    complain(null);
    const largest = model.shared.limits.midi_bytes;
    if (chosenFile.size > largest)
      return complain(`${chosenFile.name} is larger than ${largest / 1e6} MB. Choose a smaller file.`);
    host.dataset.reading = "true";
    try {
      const midi = base64(new Uint8Array(await chosenFile.arrayBuffer()));
      const about = await (await studio.askBody("midi/look", { midi })).json();
      await cancel();
      forget();
      file = { name: chosenFile.name, midi, about };
      drums = about.drums > 0 && about.notes === 0;
      if (!stops.length) stops = withStop(withStop([], fromSlot("a"), 0), fromSlot("b"), 1);
      chosen = null;
    } catch (error) {
      complain(error.message);
    }
    delete host.dataset.reading;
    draw();
  }

  function complain(sentence) {
    problem.hidden = !sentence;
    problem.textContent = sentence ?? "";
  }

  takeFiles("midi", {
    endings: [".mid", ".midi"],
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

  // --- the path ---

  function change(next) {
    stops = next;
    writeStorage(storageKey, JSON.stringify(stops));
    draw();
  }

  function add(content, at) {
    if (stops.length >= MOST_STOPS) return toast(`A path has up to ${MOST_STOPS} sounds.`);
    const next = withStop(stops, content, at);
    chosen = next.at(-1).id;
    change(next);
  }

  function addFavourite() {
    const item = studio.project.favourites.find(({ id }) => id === favourites.value);
    if (item) add({ sound: item.sound, name: item.name || titleOf(item.sound, model) });
    favourites.value = "";
  }

  function move(id, at) {
    change(stops.map((one) => (one.id === id ? { ...one, at: clamp(at, 0, 1) } : one)));
  }

  function remove(id) {
    const focused = track.contains(document.activeElement) || detail.contains(document.activeElement);
    const left = stops.filter((one) => one.id !== id);
    chosen = left.length ? inOrder(left)[0].id : null;
    change(left);
    if (focused) track.querySelector(`[data-id="${chosen}"]`)?.focus();
  }

  function choose(id) {
    chosen = id;
    draw();
  }

  const shareAt = (event) => {
    const { left, width } = track.getBoundingClientRect();
    return clamp((event.clientX - left) / width, 0, 1);
  };

  function pinOf(one) {
    const pin = h("button", {
      class: "pin",
      role: "slider",
      "data-id": String(one.id),
      "aria-valuemin": "0",
      "aria-valuemax": "100",
      onpointerdown: (event) => {
        pin.setPointerCapture(event.pointerId);
        choose(one.id);
        studio.listen(one.sound);
      },
      onpointermove: (event) => pin.hasPointerCapture(event.pointerId) && move(one.id, shareAt(event)),
      onfocus: () => chosen !== one.id && choose(one.id),
      onkeydown: (event) => walk(event, one.id),
    });
    return pin;
  }

  function walk(event, id) {
    const { at } = stops.find((one) => one.id === id);
    const step = event.shiftKey ? 0.1 : 0.01;
    const to = {
      ArrowLeft: at - step,
      ArrowDown: at - step,
      ArrowRight: at + step,
      ArrowUp: at + step,
      Home: 0,
      End: 1,
    }[event.key];
    if (to !== undefined) move(id, Math.round(to * 1e4) / 1e4);
    else if (event.key === "Delete" || event.key === "Backspace") remove(id);
    else if (event.key === "Enter") studio.listen(stops.find((one) => one.id === id).sound);
    else return;
    event.preventDefault();
  }

  receives(track, model, ({ sound, name }) => add({ sound, name: name || titleOf(sound, model) }));

  const pins = new Map(); // id -> button, kept while it is dragged
  function drawTrack() {
    const ids = new Set(stops.map(({ id }) => id));
    for (const [id, pin] of pins) if (!ids.has(id)) (pin.remove(), pins.delete(id));
    for (const one of stops) {
      if (!pins.has(one.id)) {
        pins.set(one.id, pinOf(one));
        track.append(pins.get(one.id));
      }
      const pin = pins.get(one.id);
      const percent = Math.round(one.at * 1000) / 10;
      pin.style.setProperty("--hue", hueOf(one.sound, model));
      pin.style.left = `${one.at * 100}%`;
      pin.setAttribute("aria-label", one.name);
      pin.setAttribute("aria-valuenow", String(percent));
      pin.setAttribute("aria-valuetext", `${timeText(one.at * file.about.seconds)}, ${percent} %`);
      pin.setAttribute("aria-current", String(one.id === chosen));
      pin.title = `${one.name}: drag along the song, Delete removes it`;
    }
    const colours = inOrder(stops).map((one) => `oklch(0.66 0.13 ${hueOf(one.sound, model)}) ${one.at * 100}%`);
    track.style.setProperty(
      "--path",
      colours.length > 1
        ? `linear-gradient(to right, ${colours})`
        : colours.length
          ? colours[0].split(")")[0] + ")"
          : "var(--line)",
    );
  }

  let detailed = null;
  function drawDetail() {
    const one = stops.find(({ id }) => id === chosen);
    const now = one ? JSON.stringify([one.id, one.name]) : stops.length ? "none" : "empty";
    if (now !== detailed) {
      detailed = now;
      if (one) {
        const place = h("input", {
          type: "number",
          min: "0",
          max: "100",
          step: "0.1",
          "aria-label": `Place of ${one.name} in percent`,
          onchange: () => place.value !== "" && move(one.id, Number(place.value) / 100),
        });
        detail.replaceChildren(
          h("i", { class: "dot" }),
          h("strong", {}, one.name),
          h("span", { class: "unit" }, "at ", place, "%"),
          h("span", { class: "when" }),
          h(
            "button",
            { class: "button", title: "Let what plays now take its place", onclick: () => replace(one.id) },
            "Use this sound",
          ),
          h("button", { class: "button", onclick: () => remove(one.id) }, "Remove"),
        );
      } else {
        const hint = stops.length
          ? "Each dot is a sound: drag it along the song, click it to hear it."
          : "Add the sounds that shall play this song.";
        detail.replaceChildren(h("span", { class: "hint" }, hint));
      }
    }
    if (!one) return;
    detail.style.setProperty("--hue", hueOf(one.sound, model));
    const place = detail.querySelector("input");
    if (document.activeElement !== place) place.value = String(Math.round(one.at * 1000) / 10);
    detail.querySelector(".when").textContent = timeText(one.at * file.about.seconds);
  }

  function replace(id) {
    change(stops.map((one) => (one.id === id ? { ...one, sound: studio.sound, name: titleHere() } : one)));
    pins.get(id)?.remove();
    pins.delete(id);
    draw();
  }

  // --- the picture ---

  function hueAlong(at) {
    const ordered = inOrder(stops);
    if (!ordered.length) return MISSING;
    const next = ordered.findIndex((one) => one.at > at);
    if (next === 0) return hueOf(ordered[0].sound, model);
    const before = ordered.at(next < 0 ? -1 : next - 1);
    if (next < 0) return hueOf(before.sound, model);
    const [from, to] = [before, ordered[next]].map((one) => hueOf(one.sound, model));
    const share = (at - before.at) / (ordered[next].at - before.at);
    return from + share * (((to - from + 540) % 360) - 180); // the shorter way round
  }

  let painting = 0;
  function paint() {
    painting = 0;
    const { clientWidth: width, clientHeight: height } = roll;
    if (!file || !width || !height) return;
    const scale = window.devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const { roll: notes, seconds } = file.about;
    const heard = notes.filter(([, , , drum]) => drums || !drum);
    const low = Math.min(...heard.map(([, , pitch]) => pitch)) - 1;
    const high = Math.max(...heard.map(([, , pitch]) => pitch)) + 1;
    const row = height / (high - low + 1);
    const light = document.body.classList.contains("dark") ? 0.76 : 0.56;
    for (const [start, end, pitch] of heard) {
      context.fillStyle = `oklch(${light} 0.13 ${hueAlong(start / seconds)})`;
      const x = (start / seconds) * width;
      context.fillRect(
        x,
        (high - pitch) * row,
        Math.max(1.5, ((end - start) / seconds) * width - 0.5),
        Math.max(1.5, Math.min(row - 0.5, 9)),
      );
    }
  }
  const repaint = () => (painting ||= requestAnimationFrame(paint));

  // --- the job ---

  async function start() {
    complain(null);
    const now = made();
    state = { state: "waiting", done: 0, total: 0, left: null };
    job = "asking";
    draw();
    try {
      const answer = await studio.askBody("midi/render", {
        midi: file.midi,
        path: pathOf(stops),
        drums,
        name: file.name,
      });
      if (job !== "asking") return cancelJob(studio, (await answer.json()).job); // cancelled meanwhile
      job = (await answer.json()).job;
      await follow(job, now);
    } catch (error) {
      job = null;
      complain(error.message);
    }
    draw();
  }

  async function follow(mine, now) {
    const last = await followJob(
      studio,
      mine,
      (next) => {
        if (job !== mine) return;
        state = next;
        drawWork();
      },
      toast,
    );
    if (job !== mine) return;
    job = null;
    if (last.state === "failed") complain(last.error);
    if (last.state !== "done") return;
    forget();
    done = { href: jobFile(studio, mine), about: last.about, made: now };
    audio.src = done.href;
    toast(`${last.about.name} is rendered.`);
  }

  async function cancel() {
    const mine = job;
    job = null;
    draw();
    if (mine && mine !== "asking") await cancelJob(studio, mine).catch(() => {}); // the server ends it by itself in time
  }

  function forget() {
    audio.pause();
    audio.removeAttribute("src");
    done = null;
  }

  window.addEventListener(
    "pagehide",
    () => job && job !== "asking" && cancelJob(studio, job, { leaving: true }).catch(() => {}),
    { signal },
  );

  // --- listening ---

  function listen() {
    studio.hush();
    audio.play().catch((error) => complain(`This song cannot be played: ${error.message}`));
  }

  function seekAt(event) {
    if (!done) return;
    const { left, width } = roll.getBoundingClientRect();
    audio.currentTime = clamp((event.clientX - left) / width, 0, 1) * file.about.seconds;
    drawClock();
  }

  function drawClock() {
    const length = done?.about.seconds ?? 0;
    head.hidden = !done;
    head.style.left = `${Math.min(100, (100 * audio.currentTime) / (file?.about.seconds || 1))}%`;
    if (document.activeElement !== seek || !audio.paused) seek.value = String(audio.currentTime);
    clock.textContent = `${timeText(audio.currentTime)} / ${timeText(length)}`;
    play.replaceChildren(icon(audio.paused ? "play" : "pause"));
    play.setAttribute("aria-label", audio.paused ? "Play the song" : "Pause the song");
    if (!audio.paused && host.isConnected) requestAnimationFrame(drawClock);
  }
  for (const kind of ["play", "pause", "ended", "seeked", "loadedmetadata"]) audio.addEventListener(kind, drawClock);

  // --- drawing ---

  function drawWork() {
    working.hidden = !job;
    player.hidden = Boolean(job) || !done;
    render.hidden = Boolean(job);
    if (!job) return;
    if (state.total) bar.value = state.done / state.total;
    else bar.removeAttribute("value");
    how.textContent = progressText(state);
  }

  function drawAdders() {
    here.textContent = "This sound";
    here.title = titleHere();
    slots.forEach((button, index) => {
      const slot = "ab"[index];
      button.textContent = slot.toUpperCase();
      button.setAttribute("aria-label", `Add sound ${slot.toUpperCase()}`);
      button.title = fromSlot(slot).name;
    });
    const items = studio.project.favourites;
    favourites.hidden = !items.length;
    favourites.replaceChildren(
      h("option", { value: "" }, "Favourite …"),
      ...items.map((item) => h("option", { value: item.id }, item.name || titleOf(item.sound, model))),
    );
    even.disabled = stops.length < 2;
  }

  function draw() {
    blank.hidden = Boolean(file);
    song.hidden = !file;
    if (!file) return;
    const { about } = file;
    const counted = drums ? about.notes + about.drums : about.notes;
    title.textContent = file.name;
    title.title = file.name;
    facts.textContent = `${timeText(about.seconds)} · ${counted.toLocaleString("en")} ${counted === 1 ? "note" : "notes"} · ${about.low}–${about.high}`;
    withDrums.element.hidden = !about.drums;
    withDrums.box.checked = drums;
    const fresh = done && done.made === made();
    const told = fresh ? done.about.notices : about.notices[drums ? "with" : "without"];
    notices.replaceChildren(...told.map((sentence) => h("li", {}, sentence)));
    notices.hidden = !told.length;
    if (done) {
      save.href = done.href;
      save.download = done.about.name;
    }
    render.textContent = done ? (fresh ? "Render again" : "Render the changes") : "Render";
    render.classList.toggle("strong", !fresh);
    render.disabled = !stops.length;
    drawTrack();
    drawDetail();
    drawAdders();
    drawWork();
    drawClock();
    repaint();
  }

  if (done) audio.src = done.href;
  studio.enter("midi", { project: () => file && drawAdders() });
  onTheme(repaint, signal);
  window.addEventListener("studio:shown", ({ detail: room }) => room === "midi" && repaint(), { signal });
  new ResizeObserver(repaint).observe(roll);
  draw();
}

function base64(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += 0x8000)
    text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  return btoa(text);
}
