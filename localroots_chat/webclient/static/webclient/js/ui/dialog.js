/**
 * What stands above the page: a dialog in the middle of it, and a menu beside what it belongs to, which on a phone is
 * a sheet at the bottom. Both are the browser's modal dialog: it keeps the focus inside, closes with Escape, and gives
 * the focus back.
 */

import { html, useLayoutEffect } from "./html.js";
import { Icon } from "./icons.js";
import { useModal } from "./modal.js";

/** @typedef {import("preact").ComponentChildren} Children */

const MARGIN = 8; // pixels between a menu and the edge of the window

/** @param {{title: string, onClose: () => void, children?: Children, name?: string}} props */
export function Dialog({ title, onClose, children, name = "" }) {
  const { close, properties } = useDismissible(onClose);
  return html`
    <dialog class="dialog ${name}" ...${properties} aria-label=${title}>
      <header>
        <h2>${title}</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick=${close}><${Icon} name="close" /></button>
      </header>
      ${children}
    </dialog>
  `;
}

/** @param {{label: string, anchor: Element, onClose: () => void, children?: Children}} props */
export function Menu({ label, anchor, onClose, children }) {
  const { dialog, properties } = useDismissible(onClose);
  useLayoutEffect(() => {
    if (dialog.current) placeBeside(dialog.current, anchor);
  }, [anchor]);
  return html`<dialog class="menu" ...${properties} aria-label=${label}>${children}</dialog>`;
}

/** The menu is closed first: what comes of it may take the focus, and gives it back to where it was before the menu.
 * @param {{icon: any, onClick: () => void, danger?: boolean, children?: Children}} props */
export function MenuItem({ icon, onClick, danger = false, children }) {
  const choose = (/** @type {any} */ event) => {
    event.currentTarget.closest("dialog").close();
    onClick();
  };
  return html`
    <button type="button" class=${danger ? "menu-item is-danger" : "menu-item"} onClick=${choose}>
      <${Icon} name=${icon} />${children}
    </button>
  `;
}

/** A click beside it closes it too. @param {() => void} onClose */
function useDismissible(onClose) {
  const { dialog, close, properties } = useModal(onClose);
  const onClick = (/** @type {MouseEvent} */ event) => {
    const element = dialog.current;
    if (element && event.target === element && isOutside(event, element)) close(); // the backdrop
  };
  return { dialog, close, properties: { ...properties, onClick } };
}

/** @param {MouseEvent} event @param {Element} element */
function isOutside({ clientX, clientY }, element) {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}

/** Below it, or above where there is more room; inside the window in any case. @param {HTMLElement} element
 * @param {Element} anchor */
function placeBeside(element, anchor) {
  if (matchMedia("(width < 46rem)").matches) return; // a sheet: CSS places it
  const { width, height } = element.getBoundingClientRect();
  const beside = anchor.getBoundingClientRect();
  const below = beside.bottom + MARGIN / 2;
  const top = below + height + MARGIN < innerHeight ? below : beside.top - height - MARGIN / 2;
  const left = beside.left + width + MARGIN < innerWidth ? beside.left : beside.right - width;
  element.style.top = `${Math.max(MARGIN, Math.min(top, innerHeight - height - MARGIN))}px`;
  element.style.left = `${Math.max(MARGIN, Math.min(left, innerWidth - width - MARGIN))}px`;
}
