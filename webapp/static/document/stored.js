// Lists as the browser keeps them.

/**
 * The list in a stored text; an empty one where there is none, or it is damaged.
 * @param {string | null} text
 * @returns {any[]} unchecked
 */
export function storedList(text) {
  try {
    const stored = JSON.parse(text);
    return Array.isArray(stored) ? stored : [];
  } catch {
    return [];
  }
}
