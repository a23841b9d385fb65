/** Says how long a sound is, as players do. */

/** 72.4 is "1:12". @param {number} seconds */
export function minutes(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
