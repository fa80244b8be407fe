// The browser's storage for small texts. Private windows may refuse it: what cannot be kept is forgotten with the page.

// The text kept under `key`; null if there is none.
export function readStorage(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

// Keeps `text` under `key`. Returns whether it could.
export function writeStorage(key, text) {
  try {
    localStorage.setItem(key, text);
    return true;
  } catch {
    return false;
  }
}
