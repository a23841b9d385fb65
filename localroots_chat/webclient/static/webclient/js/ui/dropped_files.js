/** Files that are dragged over a part of the page and dropped there. */

import { useState } from "./html.js";

/** @param {(files: FileList) => void} onFiles @returns {[boolean, Record<string, (event: any) => void>]} whether some
 * are held over it, and the handlers for it */
export function useDroppedFiles(onFiles) {
  const [held, setHeld] = useState(false);
  return [
    held,
    {
      onDragOver: (/** @type {DragEvent} */ event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        setHeld(true);
      },
      onDragLeave: ({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget)) setHeld(false);
      },
      onDrop: (/** @type {DragEvent} */ event) => {
        setHeld(false);
        if (!event.dataTransfer?.files.length) return;
        event.preventDefault();
        onFiles(event.dataTransfer.files);
      },
    },
  ];
}
