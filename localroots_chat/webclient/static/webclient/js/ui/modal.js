/**
 * A `<dialog>` that is open as long as it is drawn. Escape and the phone's way back close it; focus goes back
 * to where it was, also where its parent takes it away. What is in it, and where, is for who draws it.
 */

import { useLayoutEffect, useRef } from "./html.js";

/**
 * Properties for the dialog, and what closes it. Once closed, `onClose` tells its parent to take it away.
 * @param {() => void} onClose
 */
export function useModal(onClose) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    const element = /** @type {HTMLDialogElement} */ (dialog.current);
    element.showModal();
    return () => element.close(); // while it is still in the page: only then does focus go back
  }, []);
  return {
    dialog,
    close: () => dialog.current?.close(),
    properties: { ref: dialog, tabindex: -1, onClose: () => dialog.current && onClose() },
  };
}
