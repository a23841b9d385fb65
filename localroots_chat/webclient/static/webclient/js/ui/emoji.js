/**
 * Emoji to choose from: a few usual ones in a row, and all of them in a popover, which on a phone is a sheet
 * at the bottom. Search, recents, skin tones and keys in it are those of the vendored emoji-picker-element.
 */

import { newPicker, qualified, tryAgain } from "./emoji_data.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { useModal } from "./modal.js";
import { hasFinePointer } from "./pointer.js";
import { adoptStyleElement, allowStyleAttributes } from "./style_attributes.js";

export { completionsFor, replacedShortcode } from "./emoji_data.js";

const GAP = 8; // pixels to the anchor and to the window's edges
const USUAL = [
  ["👍", "thumbs up"],
  ["❤️", "a heart"],
  ["😂", "tears of joy"],
  ["😮", "surprise"],
  ["🙏", "thanks"],
  ["🍅", "a tomato"],
];

/**
 * The usual reactions. `onMore` gets the button that was pressed, to open the picker beside it.
 * @param {{onChoose: (emoji: string) => void, onMore: (button: HTMLElement) => void}} props
 */
export function QuickReactions({ onChoose, onMore }) {
  return html`<div class="quick-reactions" role="group" aria-label="React">
    ${USUAL.map(
      ([emoji, name]) => html`<button
        type="button"
        class="quick-reaction"
        aria-label=${`React with ${name}`}
        onClick=${() => onChoose(emoji)}
      >
        ${emoji}
      </button>`,
    )}
    <button
      type="button"
      class="quick-reaction quick-reaction-more"
      aria-label="More emoji"
      aria-haspopup="dialog"
      onClick=${(/** @type {any} */ event) => onMore(event.currentTarget)}
    >
      <${Icon} name="add" />
    </button>
  </div>`;
}

/**
 * All emoji, beside the anchor. `onClose` is called however it is closed, for its parent to take it away.
 * @param {{onChoose: (emoji: string) => void, onClose: () => void, anchor: HTMLElement}} props
 */
export function EmojiPicker({ onChoose, onClose, anchor }) {
  const { dialog, close, properties } = useModal(onClose);
  const { place, state, retry } = usePicker();
  useLayoutEffect(() => keptBeside(/** @type {HTMLElement} */ (dialog.current), anchor), [anchor]);

  const chosen = (/** @type {CustomEvent} */ event) => {
    onChoose(qualified(event.detail.unicode));
    close();
  };
  const again = () => {
    dialog.current?.focus(); // the button goes away
    retry();
  };
  const clicked = (/** @type {Event} */ event) => event.target === dialog.current && close(); // the backdrop
  return html`<dialog ...${properties} class="emoji-dialog" aria-label="Emoji" onClick=${clicked}>
    <div class="emoji-sheet">
      <header>
        <h2>Emoji</h2>
        <button type="button" class="button button-quiet" aria-label="Close" onClick=${close}>
          <${Icon} name="close" />
        </button>
      </header>
      <div class="emoji-place" ref=${place} onemoji-click=${chosen} />
      ${state === "loading" && html`<p class="emoji-note" role="status">Loading emoji…</p>`}
      ${state === "failed" &&
      html`<p class="emoji-note" role="alert">
        The emoji could not be loaded.
        <button type="button" class="button" onClick=${again}>Try again</button>
      </p>`}
    </div>
  </dialog>`;
}

/** Puts the library's element into a place, as soon as it can be had. */
function usePicker() {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const [state, setState] = useState(/** @type {"loading" | "failed" | "ready"} */ ("loading"));
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let gone = false;
    const take = (/** @type {HTMLElement} */ picker) => {
      if (gone) return;
      dress(picker);
      place.current?.append(picker);
      setState("ready");
      if (hasFinePointer()) searchOf(picker)?.focus();
    };
    newPicker().then(take, () => gone || setState("failed"));
    return () => {
      gone = true;
    };
  }, [tries]);
  const retry = () => {
    tryAgain();
    setState("loading");
    setTries(tries + 1);
  };
  return { place, state, retry };
}

/** Its style, in the ways that the page's policy allows. @param {HTMLElement} picker */
function dress(picker) {
  allowStyleAttributes();
  adoptStyleElement(/** @type {ShadowRoot} */ (picker.shadowRoot));
}

/** @param {HTMLElement} picker @returns {HTMLElement | null | undefined} */
function searchOf(picker) {
  return picker.shadowRoot?.querySelector("input[type=search]");
}

/** Places it now and whenever the window changes. @param {HTMLElement} element @param {HTMLElement} anchor */
function keptBeside(element, anchor) {
  const place = () => placeBeside(element, anchor.getBoundingClientRect());
  place();
  window.addEventListener("resize", place);
  return () => window.removeEventListener("resize", place);
}

/**
 * Above the anchor where there is room, else below; never over the window's edges.
 * @param {HTMLElement} element
 * @param {DOMRect} anchor
 */
function placeBeside(element, anchor) {
  const { offsetWidth: width, offsetHeight: height } = element;
  const inLeftHalf = anchor.left + anchor.right < innerWidth;
  const left = inLeftHalf ? anchor.left : anchor.right - width;
  const above = anchor.top - GAP - height;
  const top = above >= GAP ? above : anchor.bottom + GAP;
  element.style.setProperty("--left", `${within(left, innerWidth - width)}px`);
  element.style.setProperty("--top", `${within(top, innerHeight - height)}px`);
}

/** @param {number} wanted @param {number} room */
function within(wanted, room) {
  return Math.max(GAP, Math.min(wanted, room - GAP));
}
