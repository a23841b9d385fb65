/**
 * Photos as they come from a phone have more pixels than a screen shows, and take minutes on a slow line: they are made
 * smaller before they are sent. What cannot be read here goes as it is; the server reads more kinds.
 */

import { isSlow } from "./line.js";

const LIGHT = 1024 * 1024; // bytes: below, there is little to gain
const SIDE = 2560; // pixels, of the longer one
const SIDE_SLOW = 1600;
const QUALITY = 0.85;

/** @param {File} file @returns {Promise<File>} the same, or one that is lighter */
export async function lighter(file) {
  if (file.type !== "image/jpeg" || file.size <= LIGHT) return file;
  try {
    const blob = await redrawn(file, isSlow() ? SIDE_SLOW : SIDE);
    return blob.size < file.size ? new File([blob], file.name, { type: "image/jpeg" }) : file;
  } catch {
    return file;
  }
}

/** @param {File} file @param {number} side */
async function redrawn(file, side) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
}
