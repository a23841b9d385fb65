/** Draws what is attached to the message that is being written: each with a picture, how far it is, and a way out. */

import { byteSize } from "./files.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";

/** @typedef {import("../core/uploads.js").Upload} Upload */

/** @param {{uploads: Upload[], onRemove: (key: string) => void, onRetry: (key: string) => void}} props */
export function Tray({ uploads, onRemove, onRetry }) {
  if (uploads.length === 0) return null;
  return html`
    <ul class="tray" aria-label="Attached files">
      ${uploads.map(
        (upload) => html`
          <${Attached}
            key=${upload.key}
            ...${upload}
            onRemove=${() => onRemove(upload.key)}
            onRetry=${() => onRetry(upload.key)}
          />
        `,
      )}
    </ul>
  `;
}

/** @param {Upload & {onRemove: () => void, onRetry: () => void}} props */
function Attached({ file, state, progress, attachment, reason, onRemove, onRetry }) {
  const away = state === "uploading" ? "Cancel" : "Remove";
  return html`
    <li class="attached ${state}">
      ${attachment?.placeholder
        ? html`<img src=${attachment.thumbnailUrl} alt="" width="40" height="40" />`
        : html`<span class="file-mark"><${Icon} name="file" /></span>`}
      <div class="attached-text">
        <p class="attached-name">${file.name}</p>
        ${state === "uploading"
          ? html`<progress max="1" value=${progress} aria-label="Uploading ${file.name}" />`
          : html`<p class="attached-detail">${state === "failed" ? reason : byteSize(file.size)}</p>`}
      </div>
      ${state === "failed" && html`<button type="button" class="text-button" onClick=${onRetry}>Try again</button>`}
      <button type="button" class="icon-button" aria-label="${away} ${file.name}" onClick=${onRemove}>
        <${Icon} name="close" />
      </button>
    </li>
  `;
}
