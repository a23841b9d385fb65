/**
 * Says what has been read: the newest message that was really seen. Said at most once a second for each conversation,
 * so that a busy group does not use up the limit, and again after a lost connection. No DOM: what is seen, the page
 * knows.
 */

import { ChatError } from "./errors.js";
import { pause } from "./waiting.js";

/** @typedef {import("./types.js").Message} Message */

const REST = 1; // second

export class ReadReceipts {
  /** What is read but not known to have been heard: conversation to message. @type {Map<string, Message>} */
  #owed = new Map();
  #saying = false;

  /**
   * @param {object} options
   * @param {import("./store.js").Store} options.store
   * @param {(event: string, data: unknown) => Promise<any>} options.request
   */
  constructor({ store, request }) {
    this.store = store;
    this.request = request;
  }

  /** This message, and so all before it. @param {Message} message */
  saw(message) {
    const { conversationId, seq } = message;
    const conversation = this.store.conversations.get(conversationId);
    if (!conversation || seq <= conversation.lastReadSeq || conversation.unreadCount === 0) return;
    this.#owed.set(conversationId, message);
    this.store.moveReader(conversationId, this.store.me.id, seq);
    void this.say();
  }

  /** Whether the server does not know yet how far one has read here. @param {string} conversationId */
  owes(conversationId) {
    return this.#owed.has(conversationId);
  }

  /** Also called when the connection is back. */
  async say() {
    if (this.#saying) return;
    this.#saying = true;
    try {
      while (this.#owed.size > 0 && (await this.#sayAll())) await pause(REST);
    } finally {
      this.#saying = false;
    }
  }

  /** @returns {Promise<boolean>} false if there is no connection to go on with */
  async #sayAll() {
    for (const [conversationId, message] of [...this.#owed]) {
      try {
        const data = { conversationId, messageId: message.id };
        const { lastReadSeq, unreadCount } = await this.request("message:read", data);
        this.#settle(message);
        this.store.moveReader(conversationId, this.store.me.id, lastReadSeq, unreadCount);
      } catch (error) {
        if (!(error instanceof ChatError)) throw error;
        if (error.code === "disconnected") return false;
        if (error.retryable) continue;
        this.#settle(message);
        this.store.askForReader(conversationId);
      }
    }
    return true;
  }

  /** @param {Message} message */
  #settle(message) {
    const { conversationId } = message;
    if (this.#owed.get(conversationId) === message) this.#owed.delete(conversationId);
  }
}
