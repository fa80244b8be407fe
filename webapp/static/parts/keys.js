// The computer keyboard as an instrument: by place (`code`), so it lies alike on every layout. Letters, Space and shortcuts
// are the instrument's wherever the focus is, unless it is in a field for text.

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

export const OCTAVE_DOWN = "KeyZ";
export const OCTAVE_UP = "KeyX";
export const PHRASE_KEY = "KeyV";
// Handled where they work: the star, and the comparison for as long as it is held.
export const STAR_KEY = "KeyB";
export const COMPARE_KEY = "KeyC";

const PLAIN_INPUTS = ["range", "checkbox", "radio", "button", "file"]; // letters mean nothing to these: they may play

// Whether letters typed at this element are text.
export function takesText(element) {
  if (!element) return false;
  if (element.isContentEditable) return true;
  if (element.tagName === "INPUT") return !PLAIN_INPUTS.includes(element.type);
  return element.tagName === "TEXTAREA";
}

const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey && !takesText(event.target);

// What a key press means: {note: semitones above the octave's C}, {shift: -12 | 12}, {pedal: true}, {phrase: true},
// {silence: true}, {help: true}, or null.
export function meaning(event) {
  if (!isPlain(event)) return null;
  if (event.key === "?") return { help: true };
  if (event.code in SEMITONES) return { note: SEMITONES[event.code] };
  if (event.code === OCTAVE_DOWN) return { shift: -12 };
  if (event.code === OCTAVE_UP) return { shift: 12 };
  if (event.code === "Space") return { pedal: true };
  if (event.code === PHRASE_KEY) return { phrase: true };
  if (event.code === "Escape") return { silence: true };
  return null;
}

// Whether a key event is this letter, alone and not part of a text.
export const isLetter = (event, code) => event.code === code && isPlain(event);

// The letter of a command such as Ctrl+Z: the one that is printed, or, on layouts without Latin letters, the one that lies
// at its place.
export function commandLetter({ key, code }) {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  return /^Key[A-Z]$/.test(code) ? code.slice(3).toLowerCase() : "";
}
