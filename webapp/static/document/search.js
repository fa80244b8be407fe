// Finding by typing.

/**
 * Whether each word typed begins some word of the instrument's or its family's name.
 * @param {string} query
 * @param {string} instrument
 * @param {string} family
 */
export function matches(query, instrument, family) {
  const words = `${instrument} ${family}`.toLowerCase().split(/[\s_]+/);
  return query
    .toLowerCase()
    .split(/[\s_]+/)
    .filter(Boolean)
    .every((typed) => words.some((word) => word.startsWith(typed)));
}
