/** Draws the files of a message: pictures at the size that they will have, sounds to be played, others to be saved. */

import { html, memo, useState } from "./html.js";
import { Icon } from "./icons.js";
import { isSlow } from "./line.js";
import { VoiceNote } from "./voice_note.js";

/** @typedef {import("../core/types.js").Attachment} Attachment */

const PICTURE = 320; // pixels, of the longer side

export const Files = memo(
  /** @param {{files: Attachment[], own: boolean, onOpen: (pictures: Attachment[], index: number) => void}} props */
  ({ files, own, onOpen }) => {
    const pictures = files.filter(isPicture);
    return files.map((file) => {
      if (isPicture(file)) {
        const open = () => onOpen(pictures, pictures.indexOf(file));
        return html`<${Picture} key=${file.id} file=${file} onOpen=${open} />`;
      }
      if (file.type.startsWith("audio/")) return html`<${VoiceNote} key=${file.id} attachment=${file} own=${own} />`;
      return html`<${Download} key=${file.id} file=${file} />`;
    });
  },
);

/** @param {Attachment} file */
export function isPicture({ width, height }) {
  return Boolean(width && height);
}

/** Its place and a blur of it are there at once: nothing jumps when it comes.
 * @param {{file: Attachment, onOpen: () => void}} props */
function Picture({ file, onOpen }) {
  const [here, setHere] = useState(false);
  const { url, thumbnailUrl, name, placeholder } = file;
  const { width, height } = shownSize(file);
  const open = (/** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // in a window of its own
    event.preventDefault();
    onOpen();
  };
  return html`
    <a class="picture" href=${url} aria-label="Open ${name}" onClick=${open}>
      <img
        src=${thumbnailUrl}
        srcset=${isSlow() ? null : `${thumbnailUrl} 1x, ${url}?side=1280 2x`}
        alt=${name}
        width=${width}
        height=${height}
        loading="lazy"
        style=${!here && placeholder ? { backgroundImage: `url("${placeholder}")` } : {}}
        onLoad=${() => setHere(true)}
      />
    </a>
  `;
}

/** @param {Attachment} file */
function shownSize({ width, height }) {
  const [wide, high] = [width ?? PICTURE, height ?? PICTURE];
  const scale = Math.min(1, PICTURE / Math.max(wide, high));
  return { width: Math.max(1, Math.round(wide * scale)), height: Math.max(1, Math.round(high * scale)) };
}

/** @param {{file: Attachment}} props */
function Download({ file: { url, name, size } }) {
  return html`
    <a class="file" href=${url} download=${name}>
      <span class="file-mark"><${Icon} name="file" /></span>
      <span><span>${name}</span><span class="file-detail">${byteSize(size)}</span></span>
    </a>
  `;
}

/** @param {number} bytes */
export function byteSize(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}
