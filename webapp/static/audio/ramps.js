// Ramps from wherever a parameter is now, so that nothing clicks.

/**
 * Ends whatever `param` is doing at `time`, where it then stands.
 * @param {BaseAudioContext} context
 * @param {AudioParam} param
 * @param {number} time
 */
export function holdAt(context, param, time) {
  if (param.cancelAndHoldAtTime) return param.cancelAndHoldAtTime(time);
  const level = param.value;
  param.cancelScheduledValues(time);
  if (time <= context.currentTime) param.setValueAtTime(level, time);
}

/**
 * Takes a gain from whatever it is at `from` towards `value`, 98 % of the way in `seconds`. Exponential on purpose: what
 * goes down and what comes up add to one at any moment, even where the audio thread is late; and a linear ramp would start
 * at the gain's last event, not now, wherever nothing was left for cancelAndHoldAtTime to hold.
 * @param {BaseAudioContext} context
 * @param {AudioParam} param
 * @param {number} value
 * @param {number} seconds
 */
export function glide(context, param, value, seconds, from = context.currentTime) {
  holdAt(context, param, from);
  param.setTargetAtTime(value, from, seconds / 4);
}
