// One MIDI device: what its messages mean, which keys it holds, and how far each of them is bent.
//
// MPE (MIDI Polyphonic Expression, MMA/AMEI 2018): every note has a channel of its own, so that its bend, pressure and slide
// (controller 74) are its own too; a first or last channel, the master, is for all. A device says so by a message, or is
// told by its notes, which go from channel to channel.
/** @import { MidiMeaning } from "./types.js" */

const PEDAL = 64;
const HANDLES = { 1: "mod wheel", 74: "slide" }; // controllers that move the handle of the morph
const ALL_OFF = [120, 123]; // all sound off, all notes off
const RESET = 121;
const DATA = 6;
const PARAMETER = { 100: "low", 101: "high" }; // controllers that choose a registered parameter, which data then sets
const BEND_RANGE = "0 0"; // registered parameters: how many semitones a channel bends ...
const MPE_ZONE = "0 6"; // ... and how many channels of MPE a master has
const MASTERS = [0, 15]; // of the lower and the upper zone
const WHEEL_SEMITONES = 2; // either way, until a device says otherwise
const MPE_SEMITONES = 48;
const MPE_CHANNELS = 3; // notes on so many channels, one after the other, are those of MPE; of two at once the second is

/**
 * What a message says; null for one that means nothing here.
 * @param {Iterable<number>} bytes
 * @returns {MidiMeaning | null}
 */
export function meaningOf([status, first, second]) {
  switch (status & 0xf0) {
    case 0x90:
      return second > 0 ? { on: first, velocity: second / 127 } : { off: first };
    case 0x80:
      return { off: first };
    case 0xa0:
      return { pressure: second / 127, key: first };
    case 0xd0:
      return { pressure: first / 127 };
    case 0xe0: {
      const steps = ((second << 7) | first) - 8192;
      return { bend: steps / (steps > 0 ? 8191 : 8192) };
    }
    case 0xb0:
      if (first === PEDAL) return { pedal: second >= 64 };
      if (first in HANDLES) return { handle: first, to: second / 127 };
      if (first in PARAMETER) return { parameter: PARAMETER[first], value: second };
      if (first === DATA) return { data: second };
      if (ALL_OFF.includes(first)) return { allOff: true };
      return first === RESET ? { reset: true } : null;
    default:
      return null;
  }
}

/**
 * A device that plays `studio`. isHeld(key) tells whether another one holds a key.
 * @param {{studio: object, isHeldElsewhere: (key: number) => boolean}} options
 */
export function createDevice({ studio, isHeldElsewhere }) {
  /** By key: its channel. @type {Map<number, number>} */
  const held = new Map();
  /** What each channel was last told. @type {Map<number, {bend: number, semitones: number | null, chosen: Record<string, number>}>} */
  const channels = new Map();
  const played = new Set(); // channels that had notes, but for the masters
  let isMpe = false;

  function channel(number) {
    if (!channels.has(number)) channels.set(number, { bend: 0, semitones: null, chosen: { high: 127, low: 127 } });
    return channels.get(number);
  }

  const isMember = (number) => isMpe && !MASTERS.includes(number);

  // How far a channel is bent: a member of MPE as its own notes say or, where one of them has, the others.
  function semitones(number) {
    const { bend, semitones: own } = channel(number);
    if (!isMember(number)) return bend * (own ?? WHEEL_SEMITONES);
    const said =
      own ?? [...channels].find(([other, { semitones }]) => isMember(other) && semitones !== null)?.[1].semitones;
    return bend * (said ?? MPE_SEMITONES);
  }

  function bend(number) {
    if (!isMember(number)) return studio.bend(semitones(number));
    for (const [key, of] of held) if (of === number) studio.bendKey(key, semitones(number));
  }

  function setMpe(on) {
    if (on === isMpe) return;
    isMpe = on;
    studio.bend(0);
    for (const number of channels.keys()) bend(number);
  }

  // Notes that go from channel to channel are those of MPE.
  function watch(number) {
    if (MASTERS.includes(number)) return;
    played.add(number);
    const another = [...held.values()].some((of) => of !== number && !MASTERS.includes(of));
    if (another || played.size >= MPE_CHANNELS) setMpe(true);
  }

  function press(key, velocity, number) {
    if (held.has(key) || isHeldElsewhere(key)) studio.lift(key);
    watch(number);
    held.set(key, number);
    studio.press(key, velocity);
    if (isMember(number)) studio.bendKey(key, semitones(number));
  }

  function lift(key, number) {
    if (isMpe && held.get(key) !== number) return; // the key was struck again, on another channel
    if (held.delete(key) && !isHeldElsewhere(key)) studio.lift(key);
  }

  function liftAll() {
    for (const [key, number] of [...held]) lift(key, number);
    rest();
  }

  function rest() {
    for (const one of channels.values()) one.bend = 0;
    for (const key of held.keys()) studio.bendKey(key, 0);
    studio.pedal(false);
    studio.bend(0);
  }

  function setParameter(number, value) {
    const { high, low } = channel(number).chosen;
    if (`${high} ${low}` === BEND_RANGE) {
      channel(number).semitones = value;
      bend(number);
    }
    if (`${high} ${low}` === MPE_ZONE && MASTERS.includes(number)) setMpe(value > 0);
  }

  /**
   * Does what a message says, but for what moves the sound: {handle} and {pressure}.
   * @param {MidiMeaning} message
   * @param {number} number  of the channel, from 0 on
   */
  function take(message, number) {
    if (message.on !== undefined) press(message.on, message.velocity, number);
    else if (message.off !== undefined) lift(message.off, number);
    else if (message.pedal !== undefined) studio.pedal(message.pedal);
    else if (message.parameter !== undefined) channel(number).chosen[message.parameter] = message.value;
    else if (message.data !== undefined) setParameter(number, message.data);
    else if (message.bend !== undefined) {
      channel(number).bend = message.bend;
      bend(number);
    } else if (message.allOff) liftAll();
    else if (message.reset) rest();
  }

  return { take, liftAll, holds: (key) => held.has(key), isMpe: () => isMpe };
}
