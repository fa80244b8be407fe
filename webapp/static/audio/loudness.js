// How loud a note is, as ITU-R BS.1770-4 measures it, for any sample rate.

const BLOCK_SECONDS = 0.4;
const STEP = 0.25; // of a block
const ABSOLUTE_GATE = -70; // LKFS
const RELATIVE_GATE = -10;
const MOST_DB = 9; // a sound is made louder by no more, or the limiter would be heard instead of it
const LEAST_DB = -24;

/**
 * The two filters of K-weighting by their analogue shape (De Man 2014): a shelf for the head, a high-pass for the ear.
 * @param {number} rate
 */
function kWeighting(rate) {
  const shelf = () => {
    const [hz, gain, q] = [1681.9744509555319, 3.99984385397, 0.7071752369554193];
    const k = Math.tan((Math.PI * hz) / rate);
    const high = 10 ** (gain / 20);
    const band = high ** 0.499666774155;
    const a0 = 1 + k / q + k * k;
    return {
      b: [(high + (band * k) / q + k * k) / a0, (2 * (k * k - high)) / a0, (high - (band * k) / q + k * k) / a0],
      a: [(2 * (k * k - 1)) / a0, (1 - k / q + k * k) / a0],
    };
  };
  const highPass = () => {
    const [hz, q] = [38.13547087613982, 0.5003270373253953];
    const k = Math.tan((Math.PI * hz) / rate);
    const a0 = 1 + k / q + k * k;
    return { b: [1, -2, 1], a: [(2 * (k * k - 1)) / a0, (1 - k / q + k * k) / a0] };
  };
  return [shelf(), highPass()];
}

/** @param {ArrayLike<number>} samples */
function filtered(samples, { b, a }) {
  const out = new Float64Array(samples.length);
  let [x1, x2, y1, y2] = [0, 0, 0, 0];
  for (let at = 0; at < samples.length; at++) {
    const x = samples[at];
    const y = b[0] * x + b[1] * x1 + b[2] * x2 - a[0] * y1 - a[1] * y2;
    [x2, x1, y2, y1] = [x1, x, y1, y];
    out[at] = y;
  }
  return out;
}

/** LKFS of each note. @type {WeakMap<Int16Array, number>} */
const measured = new WeakMap();

/**
 * Integrated loudness of mono `samples` in LKFS; -Infinity for silence.
 * @param {Int16Array} samples
 * @param {number} rate
 */
export function loudness(samples, rate) {
  if (measured.has(samples)) return measured.get(samples);
  let wave = Float64Array.from(samples, (sample) => sample / 32768);
  for (const filter of kWeighting(rate)) wave = filtered(wave, filter);
  const length = Math.min(wave.length, Math.round(BLOCK_SECONDS * rate));
  const powers = [];
  for (let start = 0; start + length <= wave.length; start += Math.round(length * STEP)) {
    let sum = 0;
    for (let at = start; at < start + length; at++) sum += wave[at] * wave[at];
    powers.push(sum / length);
  }
  const level = (power) => -0.691 + 10 * Math.log10(power);
  const mean = (some) => some.reduce((sum, power) => sum + power, 0) / some.length;
  const heard = powers.filter((power) => level(power) > ABSOLUTE_GATE);
  const loud = heard.filter((power) => level(power) > level(mean(heard)) + RELATIVE_GATE);
  measured.set(samples, loud.length ? level(mean(loud)) : -Infinity);
  return measured.get(samples);
}

/**
 * The gain in dB that brings a note to the loudness of another; 0 where either is silent.
 * @param {Int16Array} samples
 * @param {Int16Array} to
 * @param {number} rate
 */
export function matchDb(samples, to, rate) {
  const change = loudness(to, rate) - loudness(samples, rate);
  return Number.isFinite(change) ? Math.max(LEAST_DB, Math.min(MOST_DB, change)) : 0;
}
