/**
 * Small tools for building the page without a framework: `el` makes an element, `redraw` brings a parent's
 * children in line with a list of rows. Data only ever becomes text or attributes, never markup.
 */

/**
 * @typedef {object} Row
 * @property {string} key which row this is; its element is kept for as long as the key stays
 * @property {string} signature what it shows; the element is made anew only when this changes
 * @property {() => HTMLElement} build
 */

/** @type {WeakMap<Element, Row>} */
const drawn = new WeakMap();

/**
 * @param {string} tag
 * @param {Record<string, any>} [properties] attributes; `text` for the text, `onclick` and the like for listeners
 * @param {...(Node | null | false | undefined)} children
 * @returns {HTMLElement}
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/** The element with that id; its absence is a mistake in the template. @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}.`);
  return element;
}

/** Focus survives the redrawing and moving of the row it is in. @param {HTMLElement} parent @param {Row[]} rows */
export function redraw(parent, rows) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const focusedKey = focused && [...parent.children].find((child) => child.contains(focused));
  const key = focusedKey ? drawn.get(focusedKey)?.key : undefined;

  const held = new Map([...parent.children].map((child) => [drawn.get(child)?.key, child]));
  let place = parent.firstElementChild;
  for (const row of rows) {
    let element = held.get(row.key);
    held.delete(row.key);
    if (!element || drawn.get(element)?.signature !== row.signature) {
      const fresh = row.build();
      if (element === place) place = place?.nextElementSibling ?? null;
      element?.remove();
      element = fresh;
    }
    drawn.set(element, row);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const stale of held.values()) stale.remove();

  if (key !== undefined && !parent.contains(document.activeElement)) {
    const again = [...parent.children].find((child) => drawn.get(child)?.key === key);
    /** @type {HTMLElement | null | undefined} */ (again?.querySelector("a, button"))?.focus({
      preventScroll: true,
    });
  }
}
