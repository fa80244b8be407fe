// Hands on the piano: mouse with glissando, fingers, computer keys, and Tab with arrows for those who play without any.

import { meaning } from "../../parts/keys.js";

const SOFTEST = 0.25; // velocity at the far end of a key; at the front edge it is 1

// How hard a key is hit by where on it, from 0 at the far end to 1 at the front edge.
export const velocityAt = (place) => SOFTEST + (1 - SOFTEST) * Math.min(1, Math.max(0, place));

// Each finger (or the mouse) holds at most one key and may slide on to the next. Returns the pitches held, by pointer.
export function playByPointer(studio, { board }, { signal }) {
  const pointers = new Map(); // pointerId -> pitch or null while between keys
  const keyAt = (event) => {
    const key = document.elementFromPoint(event.clientX, event.clientY)?.closest(".key");
    return key instanceof HTMLElement && board.contains(key) ? key : null;
  };
  function velocityOn(key, { clientY }) {
    const { top, height } = key.getBoundingClientRect();
    return velocityAt((clientY - top) / height);
  }
  function hold(event, key) {
    const pitch = key && Number(key.dataset.pitch);
    const before = pointers.get(event.pointerId) ?? null;
    pointers.set(event.pointerId, pitch);
    if (before === pitch) return;
    if (pitch !== null) {
      const velocity = velocityOn(key, event);
      key.style.setProperty("--struck", velocity);
      studio.press(pitch, velocity);
    }
    if (before !== null && ![...pointers.values()].includes(before)) studio.lift(before);
  }
  board.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // no text selection, no drag image; focus is set below
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur(); // a search field keeps no letters once one plays
    hold(event, keyAt(event));
  });
  window.addEventListener("pointermove", (event) => pointers.has(event.pointerId) && hold(event, keyAt(event)), {
    signal,
  });
  function letGo(event) {
    if (!pointers.has(event.pointerId)) return;
    hold(event, null);
    pointers.delete(event.pointerId);
  }
  window.addEventListener("pointerup", letGo, { signal });
  window.addEventListener("pointercancel", letGo, { signal });
  // How hard it would strike shows on the key below the mouse.
  board.addEventListener("pointermove", (event) => {
    const key = event.pointerType === "mouse" && !pointers.has(event.pointerId) && keyAt(event);
    if (key && key.getAttribute("aria-pressed") !== "true")
      key.style.setProperty("--struck", String(velocityOn(key, event)));
  });
  board.addEventListener("contextmenu", (event) => event.preventDefault());
  return pointers;
}

const isOpen = () => document.querySelector("dialog[open], :popover-open") !== null; // Escape shuts it

// Letters play, Space is the pedal, others as `meaning` tells; on the board itself arrows walk, and Enter plays a key for as
// long as it is down. `on` has shift(semitones), togglePhrase(), help() and left() for when the page loses the keyboard.
export function playByComputerKeys(studio, { board, key: keyOf, rove }, on, { signal }) {
  const typed = new Map(); // code -> pitch it started, whatever the octave is by now
  let spaceDown = false;
  function raisePedal() {
    spaceDown = false;
    studio.pedal(false);
  }

  function keydown(event) {
    const what = meaning(event);
    if (!what || (what.silence && isOpen())) return;
    event.preventDefault(); // the page would scroll, a button be pressed, a list go to what begins with the letter
    if (event.repeat) return;
    if (what.note !== undefined) {
      const pitch = studio.project.octave + what.note;
      typed.set(event.code, pitch);
      keyOf(pitch)?.style.removeProperty("--struck");
      studio.press(pitch);
    } else if (what.shift) {
      on.shift(what.shift);
    } else if (what.pedal) {
      spaceDown = true;
      studio.pedal(true);
    } else if (what.phrase) {
      on.togglePhrase();
    } else if (what.help) {
      on.help();
    } else {
      studio.silence();
    }
  }

  function keyup(event) {
    if (event.code === "Space" && spaceDown) {
      event.preventDefault(); // Firefox presses buttons now
      raisePedal();
    }
    if (!typed.has(event.code)) return;
    studio.lift(typed.get(event.code));
    typed.delete(event.code);
  }

  function blur() {
    if (spaceDown) raisePedal();
    for (const pitch of typed.values()) studio.lift(pitch);
    typed.clear();
    on.left();
  }

  for (const [type, handler] of Object.entries({ keydown, keyup, blur }))
    window.addEventListener(type, handler, { signal });

  board.addEventListener("keydown", (event) => {
    const pitch = Number(event.target.dataset?.pitch);
    if (!Number.isInteger(pitch)) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: 12, ArrowDown: -12 };
    if (event.key in steps) {
      event.preventDefault();
      const next = keyOf(pitch + steps[event.key]);
      if (next) {
        rove(pitch + steps[event.key]);
        next.focus({ preventScroll: true });
      }
    } else if (event.key === "Enter" && !event.repeat) {
      event.preventDefault();
      typed.set(event.code, pitch);
      studio.press(pitch);
    }
  });
}
