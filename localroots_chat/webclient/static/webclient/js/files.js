/** Draws the files of a message: pictures at the size that they will have, sounds to be played, others to be saved. */

import { el } from "./dom.js";
import { showPicture } from "./lightbox.js";

/** @typedef {import("./types.js").Attachment} Attachment */

const PICTURE = 320; // pixels, of the longer side

/** @param {Attachment} attachment @returns {HTMLElement} */
export function fileOf(attachment) {
  if (attachment.width && attachment.height) return picture(attachment);
  return attachment.type.startsWith("audio/") ? sound(attachment) : download(attachment);
}

/** @param {Attachment} attachment */
function picture(attachment) {
  const { url, thumbnailUrl, name, placeholder } = attachment;
  const { width, height } = shownSize(attachment);
  const image = el("img", {
    src: thumbnailUrl,
    srcset: `${thumbnailUrl} 1x, ${url}?side=1280 2x`,
    alt: name,
    width,
    height,
    loading: "lazy",
    onload: () => image.style.removeProperty("background-image"),
  });
  // Its place and a blur of it are there at once: nothing jumps when it comes.
  if (placeholder) image.style.backgroundImage = `url("${placeholder}")`;
  const open = (/** @type {Event} */ event) => {
    event.preventDefault();
    showPicture(attachment);
  };
  return el("a", { class: "picture", href: url, "aria-label": `Open ${name}`, onclick: open }, image);
}

/** @param {Attachment} attachment */
function shownSize({ width, height }) {
  const [wide, high] = [width ?? PICTURE, height ?? PICTURE];
  const scale = Math.min(1, PICTURE / Math.max(wide, high));
  return { width: Math.max(1, Math.round(wide * scale)), height: Math.max(1, Math.round(high * scale)) };
}

/** @param {Attachment} attachment */
function sound({ url, name, duration }) {
  return el(
    "div",
    { class: "sound" },
    el("audio", { controls: true, preload: "none", src: url, "aria-label": name }),
    el("p", { class: "file-detail", text: duration ? `${name}, ${minutes(duration)}` : name }),
  );
}

/** @param {Attachment} attachment */
function download({ url, name, size }) {
  return el(
    "a",
    { class: "file", href: url, download: name },
    el("span", { class: "file-mark", "aria-hidden": "true", text: "▤" }),
    el("span", {}, el("span", { text: name }), el("span", { class: "file-detail", text: byteSize(size) })),
  );
}

/** @param {number} bytes */
export function byteSize(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

/** @param {number} seconds */
function minutes(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.round(seconds) % 60).padStart(2, "0")}`;
}
