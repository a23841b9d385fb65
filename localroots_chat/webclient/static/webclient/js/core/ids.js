/** Ids that nobody else makes. */

/** @returns {string} */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // On http: addresses of a local network, where browsers keep randomUUID back.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
