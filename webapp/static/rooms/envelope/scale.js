// Values of an envelope along a slider, and as one reads them.

import { PATCH_RANGES } from "../../document/project.js";

const square = (value) => value * value;
// How far along its slider a value lies, 0 to 1; times go with the square of the way, so that short ones are told apart.
export const wayOf = (name, value) =>
  name === "gain" || name === "sustain" ? share(name, value) : Math.sqrt(share(name, value));
const share = (name, value) => (value - lowOf(name)) / (PATCH_RANGES[name][1] - lowOf(name));
const lowOf = (name) => (name === "release" ? 0 : PATCH_RANGES[name][0]);
// The value at a way along the slider, in the steps that a musician hears.
export function valueAt(name, way) {
  const high = PATCH_RANGES[name][1];
  if (name === "gain") return Math.round((lowOf(name) + way * (high - lowOf(name))) * 10) / 10;
  if (name === "sustain") return Math.round(way * 100) / 100;
  return Math.round(square(way) * high * 1000) / 1000;
}

// What a musician reads: "250 ms", "1.20 s", "80 %", "+3.0 dB".
export function reading(name, value) {
  if (name === "gain") return `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(1)} dB`;
  if (name === "sustain") return `${Math.round(value * 100)} %`;
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(2)} s`;
}
