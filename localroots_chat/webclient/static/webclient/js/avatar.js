/**
 * A person's or group's picture: their image, or initials on one of a few calm colours that stays theirs. The name
 * always stands beside it, so it is hidden from screen readers.
 */

import { el } from "./dom.js";

const TONES = 8; // base.css has a class for each

/** @typedef {{id: string, name: string, image: string | null, group?: boolean}} Face */

/** @param {Face} face @param {"small" | "medium"} [size] */
export function avatar({ id, name, image, group = false }, size = "medium") {
  const shape = group ? "avatar-group" : "avatar-person";
  const classes = `avatar avatar-${size} ${shape} avatar-tone-${tone(id)}`;
  const element = el("span", { class: classes, "aria-hidden": "true", text: image ? "" : initials(name) });
  if (image) {
    const onerror = () => (element.textContent = initials(name));
    element.append(
      el("img", { src: image, alt: "", loading: "lazy", referrerpolicy: "no-referrer", onerror }),
    );
  }
  return element;
}

/** @param {string} name */
export function initials(name) {
  const first = [...name.matchAll(/(?:^|\s)[^\s\p{L}\p{N}]*([\p{L}\p{N}])/gu)].map((match) => match[1]);
  return [...new Set([first.at(0), first.at(-1)])].join("").toLocaleUpperCase() || "?";
}

/** FNV-1a, whose upper bits are well spread even for ids that look alike. @param {string} id */
function tone(id) {
  let hash = 0x811c9dc5;
  for (const character of id) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 16) % TONES;
}
