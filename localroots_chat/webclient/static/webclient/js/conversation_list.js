/** The left pane: one line per conversation, newest activity first, with its unread badge. */

import { avatar } from "./avatar.js";
import { byId, el, redraw } from "./dom.js";
import { conversationFace, conversationName, firstName } from "./people.js";
import { oneLine } from "./preview.js";
import { brief } from "./time.js";

/** @typedef {import("./types.js").Conversation} Conversation */

export class ConversationList {
  #rows = byId("conversation-list");
  #note = byId("conversations-note");
  loaded = false;

  /**
   * @param {object} options
   * @param {import("./store.js").Store} options.store
   * @param {import("./typing.js").TypingBoard} options.typing
   * @param {() => void} options.onNearEnd there may be more to load
   */
  constructor({ store, typing, onNearEnd }) {
    this.store = store;
    this.typing = typing;
    const scroller = /** @type {HTMLElement} */ (this.#rows.parentElement);
    scroller.addEventListener("scroll", () => {
      if (scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 200) onNearEnd();
    });
  }

  draw() {
    const conversations = this.store.listed;
    redraw(
      this.#rows,
      conversations.map((conversation) => this.#row(conversation)),
    );
    this.#note.hidden = conversations.length > 0;
    this.#note.textContent = this.loaded ? "No conversations yet. Start one with “New”." : "Loading…";
  }

  /** @param {Conversation} conversation */
  #row(conversation) {
    const { me, openId } = this.store;
    const shown = {
      id: conversation.id,
      face: conversationFace(conversation, me),
      name: conversationName(conversation, me),
      line: this.#line(conversation),
      typing: this.typing.whoIn(conversation.id).length > 0,
      time: conversation.lastMessage ? brief(conversation.lastMessage.createdAt) : "",
      unread: conversation.unreadCount,
      open: conversation.id === openId,
    };
    return { key: conversation.id, signature: JSON.stringify(shown), build: () => build(shown) };
  }

  /** @param {Conversation} conversation */
  #line(conversation) {
    const typing = this.typing.line(conversation);
    if (typing) return typing;
    const message = conversation.lastMessage;
    if (!message) return "No messages yet";
    if (message.type === "SYSTEM" || !message.sender) return oneLine(message);
    if (message.senderId === this.store.me.id) return `You: ${oneLine(message)}`;
    return conversation.group ? `${firstName(message.sender.name)}: ${oneLine(message)}` : oneLine(message);
  }
}

/** @param {{id: string, face: import("./avatar.js").Face, name: string, line: string, typing: boolean, time: string,
 *   unread: number, open: boolean}} shown */
function build({ id, face, name, line, typing, time, unread, open }) {
  const link = el(
    "a",
    { class: "conversation", href: `#${id}`, "aria-current": open ? "true" : null },
    avatar(face),
    el("span", { class: "conversation-name", text: name }),
    el("time", { class: "conversation-time", text: time }),
    el("span", { class: typing ? "conversation-line is-typing" : "conversation-line", text: line }),
    unread > 0 && badge(unread),
  );
  return el("li", { class: unread > 0 ? "has-unread" : null }, link);
}

/** @param {number} unread */
function badge(unread) {
  const count = unread > 99 ? "99+" : String(unread);
  return el(
    "span",
    { class: "badge" },
    document.createTextNode(count),
    el("span", { class: "visually-hidden", text: " unread" }),
  );
}
