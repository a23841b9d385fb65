/** The heading of a conversation: who it is with, whether they are here, and what can be done about it. */

import { categoryName, conversationName, membersOf, otherPerson, roleName } from "../core/people.js";
import { Avatar, faceOf } from "./avatar.js";
import { isOnline } from "./conversation_list.js";
import { Menu, MenuItem } from "./dialog.js";
import { html, useState } from "./html.js";
import { Icon } from "./icons.js";
import { ReportDialog } from "./report.js";
import { seenAgo } from "./time.js";

/** @typedef {import("../core/types.js").Conversation} Conversation */
/** @typedef {import("./page.js").Page} Page */

/** @param {{page: Page, conversation: Conversation}} props */
export function ThreadHeader({ page, conversation }) {
  const { chat, me } = page;
  const [menu, setMenu] = useState(/** @type {HTMLElement | null} */ (null));
  const [reporting, setReporting] = useState(false);
  const other = otherPerson(conversation, me);
  const reported = other ? { kind: "user", id: other.id } : { kind: "group", id: conversation.group?.id };
  return html`
    <header class="thread-header">
      <a class="icon-button back" href="#" aria-label="Back to conversations"><${Icon} name="back" /></a>
      <${Avatar} ...${faceOf(conversation, me)} online=${isOnline(chat, other?.id)} />
      <div class="thread-title">
        <h2 dir="auto">${conversationName(conversation, me)}</h2>
        <p>${detail(conversation, page)}</p>
      </div>
      ${conversation.muted && html`<span class="muted-mark" title="Muted"><${Icon} name="bellOff" /></span>`}
      <button
        type="button"
        class="icon-button"
        aria-label="About this conversation"
        onClick=${(/** @type {any} */ event) => setMenu(event.currentTarget)}
      >
        <${Icon} name="more" />
      </button>
      ${menu &&
      html`<${ConversationMenu}
        page=${page}
        conversation=${conversation}
        anchor=${menu}
        onReport=${() => setReporting(true)}
        onClose=${() => setMenu(null)}
      />`}
      ${reporting && html`<${ReportDialog} page=${page} ...${reported} onClose=${() => setReporting(false)} />`}
    </header>
  `;
}

/** @param {Conversation} conversation @param {Page} page */
function detail(conversation, { chat, me, blocks }) {
  const other = otherPerson(conversation, me);
  if (!other) return groupDetail(conversation, chat);
  if (blocks.has(other.id)) return "Blocked";
  const status = chat.presence.of(other.id);
  const here = status?.online ? "online" : status?.lastSeen ? `last seen ${seenAgo(status.lastSeen)}` : "";
  return [roleName(other), here].filter(Boolean).join(" · ");
}

/** @param {Conversation} conversation @param {import("../core/client.js").ChatClient} chat */
function groupDetail({ group, participants, participantCount }, chat) {
  const online = participants.filter(({ user }) => isOnline(chat, user.id)).length;
  const told = participantCount <= 40 && online > 0 ? `${online} online` : "";
  return [categoryName(group?.category ?? ""), membersOf(participantCount), told].filter(Boolean).join(" · ");
}

/** @param {{page: Page, conversation: Conversation, anchor: HTMLElement, onReport: () => void, onClose: () => void}} props */
function ConversationMenu({ page, conversation, anchor, onReport, onClose }) {
  const { chat, blocks, me } = page;
  const { id, muted } = conversation;
  const other = otherPerson(conversation, me);
  const blocked = blocks.has(other?.id);
  const then = (/** @type {() => unknown} */ act) => () => {
    onClose();
    act();
  };
  const mute = () => page.attempt(chat.rest.mute(id, !muted).then((answer) => chat.store.putConversation(answer)));
  return html`
    <${Menu} label="Conversation" anchor=${anchor} onClose=${onClose}>
      <${MenuItem} icon=${muted ? "bell" : "bellOff"} onClick=${then(mute)}>${muted ? "Unmute" : "Mute"}<//>
      <${MenuItem} icon="flag" onClick=${then(onReport)}>${other ? "Report this person" : "Report this group"}<//>
      ${other &&
      html`<${MenuItem} icon="block" danger=${!blocked} onClick=${then(() => page.attempt(blocks.set(other.id, !blocked)))}>
        ${blocked ? "Unblock" : "Block"}
      <//>`}
    <//>
  `;
}
