/**
 * A person's or group's picture: their image, or initials on one of a few calm colours that stays theirs. The name
 * always stands beside it, so it is hidden from screen readers.
 */

import { otherPerson } from "../core/people.js";
import { classes, html, memo, useState } from "./html.js";

/** @typedef {import("../core/types.js").Conversation} Conversation */
/** @typedef {{id: string, name: string, image: string | null, group?: boolean}} Face */

const TONES = 8; // base.css has a class for each

export const Avatar = memo(
  /** @param {{id: string, name: string, image: string | null, group?: boolean, size?: string, online?: boolean}} props */
  ({ id, name, image, group = false, size = "medium", online = false }) => {
    const shape = group ? "avatar-group" : "avatar-person";
    return html`
      <span class=${classes(`avatar avatar-${size}`, { "is-online": online })} aria-hidden="true">
        <span class="avatar-face ${shape} avatar-tone-${tone(id)}">
          <${Picture} key=${image} image=${image} initials=${initials(name)} />
        </span>
      </span>
    `;
  },
);

/** @param {{image: string | null, initials: string}} props */
function Picture({ image, initials }) {
  const [broken, setBroken] = useState(false);
  if (!image || broken) return initials;
  return html`<img
    src=${image}
    alt=""
    loading="lazy"
    referrerpolicy="no-referrer"
    onError=${() => setBroken(true)}
  />`;
}

/** Whose picture stands for the conversation. @param {Conversation} conversation
 * @param {import("../core/types.js").User} me @returns {Face} */
export function faceOf(conversation, me) {
  const { group, id } = conversation;
  if (group) return { id: group.id, name: group.name, image: group.imageUrl, group: true };
  const other = otherPerson(conversation, me);
  return { id: other?.id ?? id, name: other?.name ?? "", image: other?.image ?? null };
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
