// What a sample pack shall be like: the options, what the studio is asked for, and how sizes and times are written.
/** @import { Model, PackOptions } from "./types.js" */

import { clamp } from "./numbers.js";

export const CHOICES = {
  keys: [
    ["one", "One-shots"],
    ["range", "Instruments"],
    ["all", "Instruments, all keys"],
  ],
  every: [
    [1, "every key"],
    [2, "every 2 keys"],
    [3, "every 3 keys"],
    [4, "every 4 keys"],
    [6, "every 6 keys"],
    [12, "every octave"],
  ],
  layers: [
    [1, "1"],
    [2, "2"],
    [3, "3"],
    [4, "4"],
  ],
  takes: [
    [1, "1"],
    [2, "2"],
    [3, "3"],
    [4, "4"],
  ],
  subtype: [
    ["PCM_16", "16-bit"],
    ["PCM_24", "24-bit"],
    ["FLOAT", "32-bit float"],
  ],
  level: [
    ["sound", "one for each sound"],
    ["note", "one for each note"],
  ],
  measure: [
    ["peak", "peaks at −1 dBTP"],
    ["loudness", "loudness, limited"],
  ],
  lufs: [
    [-9, "−9 LUFS"],
    [-12, "−12 LUFS"],
    [-14, "−14 LUFS"],
    [-16, "−16 LUFS"],
    [-18, "−18 LUFS"],
    [-23, "−23 LUFS"],
  ],
  naming: [
    ["sampler", "violin_060"],
    ["marketplace", "GSY_violin_C4"],
  ],
  rejects: [
    ["drop", "left out"],
    ["reroll", "replaced by others nearby"],
    ["keep", "kept and listed"],
  ],
};

/** The longest text of each. */
export const TEXTS = { name: 80, author: 255, copyright: 255, comment: 255 };

export const FORMATS = [
  ["sfz", "SFZ"],
  ["dspreset", "DecentSampler"],
  ["sf2", "SoundFont 2"],
  ["multisample", ".multisample"],
];

/**
 * @param {Model} model
 * @returns {PackOptions}
 */
export function newOptions(model) {
  const middle = clamp(60, model.low, model.high);
  return {
    name: "",
    keys: "range",
    key: middle,
    low: clamp(36, model.low, model.high),
    high: model.high,
    every: 3,
    layers: 1,
    takes: 1,
    subtype: "PCM_24",
    rate: 44100,
    level: "sound",
    measure: "peak",
    lufs: -12,
    author: "",
    copyright: "",
    comment: "",
    naming: "sampler",
    rejects: "drop",
    device: "",
    loops: true,
    stereo: false,
    formats: ["sfz", "dspreset"],
    wavetable: false,
  };
}

/**
 * Hardware samplers that a pack can be made for, each with its title.
 * @param {Pick<Model, "shared">} model
 * @returns {[string, string][]}
 */
export function devicesOf({ shared }) {
  const titles = Object.entries(shared.devices).map(
    ([name, { title }]) => /** @type {[string, string]} */ ([name, title]),
  );
  return [["", "any sampler"], ...titles];
}

/**
 * Sample rates to choose from, each with its words.
 * @param {Pick<Model, "rate">} model
 */
export function ratesOf(model) {
  /** @type {[number, string][]} */
  const rates = [
    [44100, "44.1 kHz"],
    [48000, "48 kHz"],
    [model.rate, `${model.rate / 1000} kHz, as made`],
  ];
  return rates.filter(([rate], at) => rates.findIndex(([one]) => one === rate) === at);
}

/**
 * `options` with `change` as far as it is one of the choices; a device brings its own rate and bits, and the range stays
 * the right way round.
 * @param {PackOptions} options
 * @param {Partial<PackOptions>} change
 * @param {Model} model
 * @returns {PackOptions}
 */
export function withChange(options, change, model) {
  const next = { ...options };
  for (const [name, value] of Object.entries(change)) {
    const known = name === "rate" ? ratesOf(model) : name === "device" ? devicesOf(model) : CHOICES[name];
    if (known ? known.some(([one]) => one === value) : fits(name, value, options, model)) next[name] = value;
  }
  if (next.low > next.high) change.low === undefined ? (next.low = next.high) : (next.high = next.low);
  const device = model.shared.devices[next.device];
  return device ? { ...next, subtype: device.subtype, rate: device.sample_rate } : next;
}

function fits(name, value, options, model) {
  if (["key", "low", "high"].includes(name))
    return Number.isInteger(value) && value >= model.low && value <= model.high;
  if (name === "formats") return Array.isArray(value) && value.every((one) => FORMATS.some(([known]) => known === one));
  if (name in TEXTS) return typeof value === "string" && value.length <= TEXTS[name];
  return typeof options[name] === "boolean" && typeof value === "boolean";
}

/**
 * Options as they were stored, whatever that is.
 * @param {string | null} text
 * @param {Model} model
 */
export function recallOptions(text, model) {
  try {
    return withChange(newOptions(model), { ...JSON.parse(text) }, model);
  } catch {
    return newOptions(model);
  }
}

/**
 * Whether each sound becomes an instrument of several notes.
 * @param {PackOptions} options
 */
export const isInstrument = ({ keys, layers, takes }) => keys !== "one" || layers * takes > 1;

/**
 * The options as the studio's plan names them.
 * @param {PackOptions} options
 * @param {Model} model
 */
export function planOf(options, model) {
  const { keys, key, low, high, every, layers, takes, rate, lufs, device, name, ...rest } = options;
  return {
    ...rest,
    name: name.trim() || "GANSynth pack",
    pitches:
      keys === "one"
        ? key
        : {
            low: keys === "all" ? model.low : low,
            high: keys === "all" ? model.high : high,
            every: keys === "all" ? 1 : every,
          },
    sample_rate: rate,
    loudness_lufs: lufs,
    velocity_layers: layers,
    round_robins: takes,
    ...(device ? { device } : {}),
  };
}

/**
 * "1,220 notes · 64.5 MB · about 40 s"
 * @param {{notes: number, bytes: number, seconds: number}} estimate
 */
export function estimateText({ notes, bytes, seconds }) {
  const time = seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
  return `${notesText(notes)} · ${sizeText(bytes)} · about ${time}`;
}

/** @param {number} notes */
export const notesText = (notes) => `${notes.toLocaleString("en")} ${notes === 1 ? "note" : "notes"}`;
/** @param {number} bytes */
export const sizeText = (bytes) => (bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);
