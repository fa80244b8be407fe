// What sounds are like, by what was measured of them: words such as "dark" and "slow", and nearness to the ear.

/** What each word means: a descriptor, and whether its lowest or its highest third. */
const WORDS = Object.fromEntries(
  Object.entries({
    brightness: ["dark dull muffled", "bright brilliant shiny"],
    attack: ["fast plucked sharp punchy struck", "slow soft swelling"],
    decay: ["long sustained endless", "short dry"],
    noisiness: ["clean pure tonal", "noisy breathy airy"],
    richness: ["simple thin", "rich full complex"],
    hollowness: ["dense", "hollow woody"],
    warmth: ["cold nasal", "warm round mellow"],
    vibrato: ["steady straight", "vibrato singing"],
    tremolo: ["even", "tremolo trembling pulsing"],
    beating: ["still", "beating chorus lively"],
  }).flatMap(([name, ends]) =>
    ends.flatMap((words, high) => words.split(" ").map((word) => [word, { name, high: high === 1 }])),
  ),
);
const LEAST = 3; // letters that may stand for the rest of a word
const UNLIKE = ["tuning", "loudness"]; // they say nothing of what a sound is like
const FURTHEST = 3; // standard deviations: beyond, further is no less alike

/**
 * @param {import("./atlas.js").Atlas} atlas
 */
export function createCharacter(atlas) {
  const ranks = new Map();

  // Of each point, the share of all points that have less.
  function ranksOf(index) {
    if (!ranks.has(index)) {
      const values = atlas.values(index);
      const order = Array.from(values.keys()).sort((one, other) => values[one] - values[other]);
      const shares = new Float32Array(atlas.points);
      order.forEach((point, place) => (shares[point] = place / Math.max(1, atlas.points - 1)));
      ranks.set(index, shares);
    }
    return ranks.get(index);
  }

  const indexOf = (name) => atlas.descriptors.findIndex((one) => one.name === name);

  function unlikeness(measured) {
    const away = new Float64Array(atlas.points);
    atlas.descriptors.forEach(({ name, log }, index) => {
      if (UNLIKE.includes(name)) return;
      const heard = log ? Math.log2 : (value) => value;
      const values = Float64Array.from(atlas.values(index), heard);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
      if (!(spread > 0)) return;
      const even = (value) => Math.min(FURTHEST, Math.max(-FURTHEST, (value - mean) / spread));
      const goal = even(heard(measured[index]));
      values.forEach((value, point) => (away[point] += (even(value) - goal) ** 2));
    });
    return away;
  }

  return {
    /**
     * Which points a word means.
     * @param {string} typed  a word, or how it begins
     * @returns {((point: number) => boolean) | null}  null for a word that means none
     */
    meaning(typed) {
      const word =
        typed in WORDS ? typed : typed.length >= LEAST && Object.keys(WORDS).find((one) => one.startsWith(typed));
      const index = word ? indexOf(WORDS[word].name) : -1;
      if (index < 0) return null;
      const shares = ranksOf(index);
      return WORDS[word].high ? (point) => shares[point] >= 2 / 3 : (point) => shares[point] <= 1 / 3;
    },

    /**
     * How unlike each point is to what was measured: a sum of squares.
     * @param {number[]} measured  of each of the atlas's descriptors
     */
    unlikeness,

    /**
     * The points that sound most like what was measured.
     * @param {number[]} measured  of each of the atlas's descriptors
     * @param {number} count
     * @returns {Set<number>}
     */
    nearest(measured, count) {
      const away = unlikeness(measured);
      const order = Array.from(away.keys()).sort((one, other) => away[one] - away[other]);
      return new Set(order.slice(0, count));
    },
  };
}
