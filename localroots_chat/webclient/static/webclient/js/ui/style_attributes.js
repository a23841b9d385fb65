/**
 * Lets a library bring its style along where the page's policy allows no inline style. The policy is against
 * style that comes with markup, and lets scripts set the same through CSSOM: so that is how it is done here.
 */

const { setAttribute } = Element.prototype;

/** @this {Element} @param {string} name @param {string} value */
function setThroughCssom(name, value) {
  if (name === "style" && this instanceof HTMLElement) this.style.cssText = value;
  else setAttribute.call(this, name, value);
}

/** For the whole page, which has no other way of doing it per element before the library has made it. */
export function allowStyleAttributes() {
  Element.prototype.setAttribute = setThroughCssom;
}

/**
 * Turns the style element of a shadow root that is not in the page yet into a style sheet of that root.
 * @param {ShadowRoot} root
 */
export function adoptStyleElement(root) {
  const element = /** @type {HTMLStyleElement} */ (root.querySelector("style"));
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(element.textContent ?? "");
  root.adoptedStyleSheets = [sheet];
  element.remove();
}
