/** How long to wait before trying again, and the waiting itself. */

const FIRST = 0.5; // seconds
const LONGEST = 30;

/**
 * Full jitter: anywhere between now and a ceiling that doubles with each attempt, so that a restart of the server is
 * not met by everybody at once.
 * @param {number} attempt from 0 on @returns {number} seconds
 */
export function backOff(attempt) {
  return Math.random() * Math.min(LONGEST, FIRST * 2 ** attempt);
}

/** @param {number} seconds @returns {Promise<void>} */
export function pause(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
