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

// Forgets what is kept under `key`.
export function removeStorage(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // nothing could be kept either
  }
}

// The same for this tab alone, as long as it is open.
export function readTab(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

export function writeTab(key, text) {
  try {
    sessionStorage.setItem(key, text);
  } catch {
    // it is kept for all tabs, or forgotten with the page
  }
}
