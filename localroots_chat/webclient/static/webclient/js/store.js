/**
 * What this client knows, and the rule by which it stays true. Every conversation has a version; an event covers
 * prev+1 … version. Held h: apply if prev ≤ h < version, drop if version ≤ h, and if prev > h something was missed:
 * the answer is "gap" and the caller loads again. The list's line and the messages of a thread are loaded by
 * different requests, so each keeps its own h. No DOM, no network: this module also runs outside a browser.
 */

import { Messages } from "./messages.js";

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Page} Page */
/** @typedef {import("./types.js").User} User */
/** @typedef {"applied" | "dropped" | "gap"} Verdict */

const UNREAD_COUNTED_TO = 1000;

export class Store {
  /** @type {Map<string, Conversation>} */ conversations = new Map();
  /** @type {Map<string, Messages>} */ threads = new Map();
  /** @type {string | null} */ openId = null;

  /** Events for threads whose first page is still on its way. @type {Map<string, Frame[]>} */ #early =
    new Map();
  /** @type {Set<() => void>} */ #listeners = new Set();
  #announced = false;
  /** The newest answer's version, and those of the messages that events have counted as unread since.
   * @type {Map<string, {answered: number, counted: number[]}>} */ #counts = new Map();

  /** @param {User} me */
  constructor(me) {
    this.me = me;
  }

  /** The listener is called once after any number of changes made in one go. @param {() => void} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed() {
    if (this.#announced) return;
    this.#announced = true;
    queueMicrotask(() => {
      this.#announced = false;
      for (const listener of this.#listeners) listener();
    });
  }

  // Conversations

  get open() {
    return this.openId === null ? null : (this.conversations.get(this.openId) ?? null);
  }

  /** Newest activity first. */
  get listed() {
    return [...this.conversations.values()].sort((a, b) => (activity(a) < activity(b) ? 1 : -1));
  }

  get unreadTotal() {
    return [...this.conversations.values()].reduce((sum, each) => sum + (each.muted ? 0 : each.unreadCount), 0);
  }

  /** @param {Conversation} conversation */
  putConversation(conversation) {
    const { id, version, lastReadSeq, unreadCount } = conversation;
    const held = this.conversations.get(id);
    const { answered, counted } = this.#counts.get(id) ?? { answered: 0, counted: [] };
    if (held && version < answered) return; // a newer answer overtook this one
    const since = counted.filter((each) => each > version);
    if (held && held.version > version) {
      // Events overtook this answer. They know better, but for the count: what was deleted, only the server knows.
      if (lastReadSeq !== held.lastReadSeq) return;
      held.unreadCount = Math.min(UNREAD_COUNTED_TO, unreadCount + since.length);
    } else {
      this.conversations.set(id, conversation);
    }
    this.#counts.set(id, { answered: version, counted: since });
    this.changed();
  }

  /** @param {string} id */
  removeConversation(id) {
    this.conversations.delete(id);
    this.#counts.delete(id);
    this.dropThread(id);
    this.changed();
  }

  // Threads

  /** A thread is expected from here on: what happens to it meanwhile is kept for it. @param {string} id */
  expectThread(id) {
    const thread = this.threads.get(id) ?? new Messages();
    this.threads.set(id, thread);
    return thread;
  }

  /** @param {string} id */
  dropThread(id) {
    this.threads.delete(id);
    this.#early.delete(id);
  }

  /** The first page, then what happened since it was asked for. @param {string} id @param {Page} page
   * @returns {Verdict} */
  putNewest(id, page) {
    const thread = this.threads.get(id);
    if (!thread) return "dropped";
    thread.version = page.version;
    this.putOlder(id, page);
    const early = this.#early.get(id) ?? [];
    this.#early.delete(id);
    const verdicts = early.map((frame) => this.#applyToThread(frame));
    return verdicts.includes("gap") ? "gap" : "applied";
  }

  /** @param {string} id @param {Page} page */
  putOlder(id, page) {
    const thread = this.threads.get(id);
    if (!thread) return;
    thread.putPage(page.messages);
    thread.hasOlder = page.hasOlder && page.messages.length > 0;
    this.changed();
  }

  /** @param {string} id @param {Page} page */
  putNewer(id, page) {
    this.threads.get(id)?.putPage(page.messages);
    this.changed();
  }

  /** The answer to one's own send. Others' messages before it may still be on their way, so `version` stays.
   * @param {Message} message */
  putOwn(message) {
    const thread = this.threads.get(message.conversationId);
    if (thread && thread.version !== null) thread.put(message);
    this.changed();
  }

  // Events

  /** A durable event. @param {Frame} frame @returns {Verdict} */
  receive(frame) {
    const summary = this.#applyToSummary(frame);
    const thread = this.#applyToThread(frame);
    if (summary !== "dropped" || thread !== "dropped") this.changed();
    if (summary === "gap" || thread === "gap") return "gap";
    return summary;
  }

  /** @param {Frame} frame @returns {Verdict} */
  #applyToSummary({ event, data, conversationId = "", prev = 0, version = 0 }) {
    const conversation = this.conversations.get(conversationId);
    if (!conversation) return "gap";
    const verdict = judge(conversation.version, prev, version);
    if (verdict !== "applied") return verdict;
    conversation.version = version;
    if (event === "message:new") this.#lastLine(conversation, data);
    if (event === "message:updated") this.#revisedLine(conversation, data);
    // Whether what was deleted had been counted as unread, only the server knows.
    const recount = data.deletedAt && data.seq > conversation.lastReadSeq && conversation.unreadCount > 0;
    return recount ? "gap" : verdict;
  }

  /** @param {Frame} frame @returns {Verdict} */
  #applyToThread(frame) {
    const { data, conversationId = "", prev = 0, version = 0 } = frame;
    const thread = this.threads.get(conversationId);
    if (!thread) return "dropped";
    if (thread.version === null) {
      this.#early.set(conversationId, [...(this.#early.get(conversationId) ?? []), frame]);
      return "dropped";
    }
    const verdict = judge(thread.version, prev, version);
    if (verdict !== "applied") return verdict;
    thread.version = version;
    if (frame.event.startsWith("message:")) thread.put(data);
    return verdict;
  }

  /** @param {Conversation} conversation @param {Message} message */
  #lastLine(conversation, message) {
    if (message.seq <= conversation.lastSeq) return this.#revisedLine(conversation, message);
    conversation.lastSeq = message.seq;
    conversation.lastMessage = message;
    if (this.#countsAsUnread(conversation, message)) {
      conversation.unreadCount = Math.min(UNREAD_COUNTED_TO, conversation.unreadCount + 1);
      this.#counts.get(conversation.id)?.counted.push(message.version);
    }
  }

  /** @param {Conversation} conversation @param {Message} message */
  #revisedLine(conversation, message) {
    if (conversation.lastMessage?.id === message.id) conversation.lastMessage = message;
  }

  /** @param {Conversation} conversation @param {Message} message */
  #countsAsUnread(conversation, message) {
    const ordinary = message.type !== "SYSTEM" && !message.deletedAt && !message.hidden;
    return ordinary && message.senderId !== this.me.id && message.seq > conversation.lastReadSeq;
  }

  // Reading

  /** Someone's pointer moved, perhaps one's own in another window. @param {string} id @param {string} userId
   * @param {number} seq @returns {boolean} whether the unread count can only be had from the server */
  moveReader(id, userId, seq) {
    const conversation = this.conversations.get(id);
    if (!conversation) return false;
    const participant = conversation.participants.find(({ user }) => user.id === userId);
    if (participant && seq > (participant.lastReadSeq ?? 0)) participant.lastReadSeq = seq;
    this.changed();
    if (userId !== this.me.id || seq <= conversation.lastReadSeq) return false;
    conversation.lastReadSeq = seq;
    if (seq < conversation.lastSeq) return true;
    conversation.unreadCount = 0;
    return false;
  }
}

/** @param {number} held @param {number} prev @param {number} version @returns {Verdict} */
export function judge(held, prev, version) {
  if (version <= held) return "dropped";
  return prev <= held ? "applied" : "gap";
}

/** @param {Conversation} conversation */
function activity(conversation) {
  return conversation.lastMessage?.createdAt ?? conversation.createdAt;
}
