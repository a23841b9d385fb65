/**
 * What somebody has written, as markup that does no harm: text stays text, and web addresses become links that open
 * elsewhere and tell nothing of where they were clicked.
 */

import { html } from "./html.js";

const ADDRESS = /(?:https?:\/\/|www\.)[^\s<>"]+/giu;
const BEHIND = /[.,:;!?'"’”)\]}*_~]+$/u; // belongs to the sentence, not to the address
const EMOJI_ONLY = /^(?:\p{RI}{2}|\p{Emoji}(?:\p{EMod}|\uFE0F\u20E3?|[\u{E0020}-\u{E007E}]+\u{E007F})?(?:\u200D\p{Emoji}(?:\p{EMod}|\uFE0F)?)*|\s)+$/u;
const LARGE_MOST = 3;

/** @param {string} text @returns {import("preact").ComponentChildren} */
export function linked(text) {
  /** @type {any[]} */ const parts = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutSentence(match[0]);
    const href = safeAddress(address);
    if (!href) continue;
    parts.push(text.slice(end, match.index), link(address, href));
    end = match.index + address.length;
  }
  return [...parts, text.slice(end)];
}

/** @param {string} address @param {string} href */
function link(address, href) {
  return html`<a href=${href} title=${href} target="_blank" rel="noopener noreferrer nofollow">${address}</a>`;
}

/** A bracket that was opened in the address stays in it. @param {string} address */
function withoutSentence(address) {
  const trimmed = address.replace(BEHIND, "");
  const opened = trimmed.split("(").length - trimmed.split(")").length;
  return opened > 0 && address[trimmed.length] === ")" ? `${trimmed})` : trimmed;
}

/** In full, where it is one of the web's: what a browser shows for it, no look-alike letters. @param {string} address */
function safeAddress(address) {
  try {
    const url = new URL(/^www\./i.test(address) ? `https://${address}` : address);
    return ["http:", "https:"].includes(url.protocol) && url.hostname ? url.href : null;
  } catch {
    return null;
  }
}

/** A few emoji and nothing else, which are shown large. @param {string} text */
export function isEmojiAlone(text) {
  const countable = "Segmenter" in Intl; // not in Firefox before 125
  if (!countable || text.length > 40 || /[\d#*]/.test(text) || !EMOJI_ONLY.test(text)) return false;
  const count = [...new Intl.Segmenter("en").segment(text.replace(/\s/g, ""))].length;
  return count > 0 && count <= LARGE_MOST;
}

/** The words of a search in what was found, marked. @param {string} text @param {string} words */
export function marked(text, words) {
  const wanted = words.split(/\s+/).filter(Boolean).map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  if (wanted.length === 0) return text;
  const parts = text.split(new RegExp(`(${wanted.join("|")})`, "giu"));
  return parts.map((part, index) => (index % 2 ? html`<mark>${part}</mark>` : part));
}

/** The part of a text around the first of the words, on one line. @param {string} text @param {string} words */
export function snippet(text, words) {
  const line = text.replace(/\s+/g, " ");
  const places = words.split(/\s+/).map((word) => line.toLowerCase().indexOf(word.toLowerCase()));
  const first = Math.min(...places.filter((place) => place >= 0), Infinity);
  return first === Infinity || first < 40 ? line : `…${line.slice(first - 30)}`;
}
