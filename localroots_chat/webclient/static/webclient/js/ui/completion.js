/** Emoji by their names while one writes: after `:tom` a list to choose from, after `:tomato:` the emoji itself. */

import { completionsFor, replacedShortcode } from "./emoji.js";
import { html, useRef, useState } from "./html.js";

const LIST = "completion"; // its id, and with a number that of each choice

/** @typedef {{from: number, to: number, choices: {emoji: string, shortcode: string}[]}} Offer */
/**
 * @typedef {object} Completion
 * @property {Offer | null} offer
 * @property {number} chosen
 * @property {() => void} look after every change of the text
 * @property {(event: KeyboardEvent) => boolean} pressed whether the key was meant for the list
 * @property {(index: number) => void} take
 * @property {() => void} close
 * @property {Record<string, string | null>} told attributes of the box: where the list is, for who does not see it
 */

/**
 * @param {{current: HTMLTextAreaElement | null}} box
 * @param {(from: number, to: number, piece: string) => void} replace
 * @returns {Completion}
 */
export function useCompletion(box, replace) {
  const [offer, setOffer] = useState(/** @type {Offer | null} */ (null));
  const [chosen, setChosen] = useState(0);
  const asked = useRef(0);

  const look = async () => {
    const { value, selectionEnd } = /** @type {HTMLTextAreaElement} */ (box.current);
    asked.current += 1;
    const mine = asked.current;
    if (!value.slice(0, selectionEnd).includes(":")) return setOffer(null); // most texts have none: nothing to wait for
    const [offered, replaced] = await Promise.all([
      completionsFor(value, selectionEnd),
      replacedShortcode(value, selectionEnd),
    ]);
    if (mine !== asked.current || box.current?.value !== value) return; // more has been written
    if (replaced) replace(0, selectionEnd, replaced.text.slice(0, replaced.caret));
    setOffer(replaced ? null : offered);
    setChosen(0);
  };
  const take = (/** @type {number} */ index) => {
    if (!offer) return;
    setOffer(null);
    replace(offer.from, offer.to, `${offer.choices[index].emoji} `);
    box.current?.focus();
  };
  const close = () => {
    asked.current += 1; // nor is anything still to be offered
    setOffer(null);
  };
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    if (!offer) return false;
    const { length } = offer.choices;
    const step = { ArrowDown: 1, ArrowUp: length - 1 }[event.key];
    if (step) setChosen((chosen + step) % length);
    else if (event.key === "Escape") close();
    else if (event.key === "Enter" || event.key === "Tab") take(chosen);
    else return false;
    event.preventDefault();
    return true;
  };
  const told = {
    "aria-autocomplete": "list",
    "aria-controls": offer && LIST,
    "aria-activedescendant": offer && `${LIST}-${chosen}`,
  };
  return { offer, chosen, look: () => void look(), pressed, take, close, told };
}

/** @param {{completion: Completion}} props */
export function CompletionList({ completion: { offer, chosen, take } }) {
  if (!offer) return null;
  return html`
    <ul class="completion" id=${LIST} role="listbox" aria-label="Emoji">
      ${offer.choices.map(
        ({ emoji, shortcode }, index) => html`
          <li
            key=${shortcode}
            id=${`${LIST}-${index}`}
            role="option"
            aria-selected=${String(index === chosen)}
            onPointerDown=${(/** @type {Event} */ event) => event.preventDefault()}
            onClick=${() => take(index)}
          >
            <span>${emoji}</span> :${shortcode}:
          </li>
        `,
      )}
    </ul>
  `;
}
