/** Draws what is attached to the message that is being written: each with a picture, how far it is, and a way out. */

import { el } from "./dom.js";
import { byteSize } from "./files.js";

/** @typedef {import("./uploads.js").Upload} Upload */
/** @typedef {import("./dom.js").Row} Row */

/** @param {Upload} upload @param {{remove: () => void, retry: () => void}} actions @returns {Row} */
export function trayRow(upload, actions) {
  const { key, state, progress, reason } = upload;
  const signature = `${state} ${Math.round(progress * 20)} ${reason}`;
  return { key, signature, build: () => build(upload, actions) };
}

/** @param {Upload} upload @param {{remove: () => void, retry: () => void}} actions */
function build({ file, state, progress, attachment, reason }, { remove, retry }) {
  const detail = { uploading: `${Math.round(progress * 100)} %`, ready: byteSize(file.size), failed: reason ?? "" };
  return el(
    "li",
    { class: `attached ${state}` },
    attachment?.placeholder
      ? el("img", { src: attachment.thumbnailUrl, alt: "", width: 40, height: 40 })
      : el("span", { class: "file-mark", "aria-hidden": "true", text: "▤" }),
    el(
      "div",
      { class: "attached-text" },
      el("p", { class: "attached-name", text: file.name }),
      state === "uploading" && el("progress", { max: 1, value: progress, "aria-label": `Uploading ${file.name}` }),
      state !== "uploading" && el("p", { class: "attached-detail", text: detail[state] }),
    ),
    state === "failed" && el("button", { type: "button", class: "text-button", text: "Try again", onclick: retry }),
    el("button", {
      type: "button",
      class: "text-button",
      text: state === "uploading" ? "Cancel" : "Remove",
      "aria-label": `${state === "uploading" ? "Cancel" : "Remove"} ${file.name}`,
      onclick: remove,
    }),
  );
}
