/** What the browser says of the line that it is on, where it says so. */

/** Bytes are dear, or slow. */
export function isSlow() {
  const { saveData, effectiveType } = /** @type {any} */ (navigator).connection ?? {};
  return saveData === true || ["slow-2g", "2g", "3g"].includes(effectiveType);
}
