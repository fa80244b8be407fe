// The computer keyboard as a piano: by position (`code`), so it lies alike on every layout.

// Home row = white keys, the row above = black ones; an octave and a fourth from the octave's C.
export const SEMITONES = {
  KeyA: 0,
  KeyW: 1,
  KeyS: 2,
  KeyE: 3,
  KeyD: 4,
  KeyF: 5,
  KeyT: 6,
  KeyG: 7,
  KeyY: 8,
  KeyH: 9,
  KeyU: 10,
  KeyJ: 11,
  KeyK: 12,
  KeyO: 13,
  KeyL: 14,
  KeyP: 15,
  Semicolon: 16,
  Quote: 17,
};

const PLAIN_INPUTS = ["range", "checkbox", "radio", "button"]; // letters mean nothing to these: they may play

// Whether letters typed at this element are text.
export function takesText(element) {
  if (!element) return false;
  if (element.isContentEditable) return true;
  const tag = element.tagName;
  if (tag === "INPUT") return !PLAIN_INPUTS.includes(element.type);
  return tag === "TEXTAREA" || tag === "SELECT";
}

// Whether the space bar belongs to this element: it presses buttons, opens lists, picks among choices.
const takesSpace = (element) =>
  takesText(element) || (element?.tabIndex >= 0 && element.type !== "range" && element.role !== "application");

// What a key press means: {note: semitones above the octave's C}, {shift: -12 | 12}, {pedal: true}, {phrase: true},
// {silence: true}, or null.
export function meaning(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || takesText(event.target)) return null;
  if (event.code in SEMITONES) return { note: SEMITONES[event.code] };
  if (event.code === "KeyZ") return { shift: -12 };
  if (event.code === "KeyX") return { shift: 12 };
  if (event.code === "Space") return takesSpace(event.target) ? null : { pedal: true };
  if (event.code === "KeyV") return { phrase: true };
  if (event.code === "Escape") return { silence: true };
  return null;
}

// Letters with a meaning of their own, handled where they work: the star, and the comparison for as long as it is held.
export const STAR_KEY = "KeyB";
export const COMPARE_KEY = "KeyC";

// Whether a key event is this letter, alone and not part of a text.
export const isLetter = (event, code) =>
  event.code === code && !event.ctrlKey && !event.metaKey && !event.altKey && !takesText(event.target);

// Letters as printed on this machine's keys, where the browser tells; otherwise as on a US keyboard.
export async function keyLabels() {
  const printed = { Semicolon: ";", Quote: "'" };
  const layout = await navigator.keyboard?.getLayoutMap?.().catch(() => null);
  return Object.fromEntries(
    Object.keys(SEMITONES).map((code) => [code, (layout?.get(code) ?? printed[code] ?? code.slice(3)).toUpperCase()]),
  );
}
