// Values of an envelope along a slider, and as one reads them.
/** @import { Model } from "../../document/types.js" */

/**
 * Between the values of a patch and their sliders.
 * @param {Model} model
 */
export function createScale({ shared: { patch: ranges } }) {
  const lowOf = (name) => (name === "release" ? 0 : ranges[name].low);
  const share = (name, value) => (value - lowOf(name)) / (ranges[name].high - lowOf(name));
  return {
    // How far along its slider a value lies, 0 to 1; times go with the square of the way, so that short ones are told apart.
    wayOf: (name, value) =>
      name === "gain" || name === "sustain" ? share(name, value) : Math.sqrt(share(name, value)),
    // The value at a way along the slider, in the steps that a musician hears.
    valueAt(name, way) {
      const { low, high } = ranges[name];
      if (name === "gain") return Math.round((low + way * (high - low)) * 10) / 10;
      if (name === "sustain") return Math.round(way * 100) / 100;
      return Math.round(way * way * high * 1000) / 1000;
    },
  };
}

// What a musician reads: "250 ms", "1.20 s", "80 %", "+3.0 dB".
export function reading(name, value) {
  if (name === "gain") return `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(1)} dB`;
  if (name === "sustain") return `${Math.round(value * 100)} %`;
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(2)} s`;
}
