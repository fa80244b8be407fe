// Light or dark: the system's choice until the player makes one, which the browser keeps.

import { readStorage, writeStorage } from "./storage.js";

const STORAGE_KEY = "gansynth-studio:theme";

export const isDark = () => document.body.classList.contains("dark");

// The word that routes of pictures know the theme by.
export const themeName = () => (isDark() ? "dark" : "light");

// Brings back what the player chose at an earlier visit.
export function restoreTheme() {
  const chosen = readStorage(STORAGE_KEY);
  if (chosen) document.body.classList.toggle("dark", chosen === "dark");
}

export function switchTheme() {
  document.body.classList.toggle("dark");
  writeStorage(STORAGE_KEY, themeName());
  window.dispatchEvent(new Event("studio:theme"));
}

// Calls `listener` after each switch, until `signal` aborts.
export const onTheme = (listener, signal) => window.addEventListener("studio:theme", () => listener(), { signal });
