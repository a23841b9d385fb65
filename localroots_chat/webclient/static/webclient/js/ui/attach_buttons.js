/** Picks files, and on a phone takes a photo, for the message that is being written. */

import { html, useRef } from "./html.js";
import { Icon } from "./icons.js";

const TAKEN =
  "image/jpeg,image/png,image/webp,image/gif,image/heic,audio/*,application/pdf,text/plain,.csv";

/** @param {{onFiles: (files: File[]) => void}} props */
export function AttachButtons({ onFiles }) {
  const files = useRef(/** @type {HTMLInputElement | null} */ (null));
  const camera = useRef(/** @type {HTMLInputElement | null} */ (null));
  const chosen = (/** @type {any} */ { currentTarget }) => {
    onFiles([...currentTarget.files]);
    currentTarget.value = ""; // the same file again is a change, too
  };
  return html`
    <div class="attach">
      <button type="button" class="icon-button" aria-label="Attach files" onClick=${() => files.current?.click()}>
        <${Icon} name="attach" />
      </button>
      <button type="button" class="icon-button camera" aria-label="Take a photo" onClick=${() => camera.current?.click()}>
        <${Icon} name="camera" />
      </button>
      <input id="composer-files" ref=${files} type="file" multiple hidden accept=${TAKEN} onChange=${chosen} />
      <input id="composer-camera" ref=${camera} type="file" hidden accept="image/*" capture="environment" onChange=${chosen} />
    </div>
  `;
}
