// How things move on the map: slowly at both ends, or not at all for those who asked for no motion.

const REDUCED = matchMedia("(prefers-reduced-motion: reduce)");

// How much of `ms` milliseconds since `began` is over, from 0 to 1.
export const shareOf = (now, began, ms) => (REDUCED.matches ? 1 : Math.min(1, (now - began) / ms));

export const eased = (share) => (share < 0.5 ? 4 * share ** 3 : 1 - (2 - 2 * share) ** 3 / 2);
