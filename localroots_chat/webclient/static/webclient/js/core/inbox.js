/**
 * Brings the list of conversations from REST into the store: page by page as it is scrolled, anew from its beginning
 * where a sync says that it has gone stale, and single conversations that an event was the first to mention. No DOM.
 */

import { ChatError } from "./errors.js";

/** @typedef {import("./coalesced.js").Coalesced} Coalesced */
/** @typedef {import("./rest.js").Rest} Rest */
/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./types.js").Conversation} Conversation */

export class Inbox {
  /** The list's next page. @type {string | null} */ #next = null;
  #loadingMore = false;
  #connections = 0;
  /** When the first page was answered, by the server's clock. @type {string | null} */ answeredAt = null;

  /** @param {{rest: Rest, store: Store, coalesced: Coalesced}} options */
  constructor({ rest, store, coalesced }) {
    this.rest = rest;
    this.store = store;
    this.coalesced = coalesced;
  }

  /** The first page. */
  load() {
    return this.coalesced.run("the list", async () => {
      const { results, next, answeredAt, moves } = await this.#page();
      if (!this.store.listLoaded) this.#next = next;
      this.answeredAt ??= answeredAt;
      this.store.listLoaded = true;
      await this.put(results, moves);
    });
  }

  get hasMore() {
    return this.#next !== null;
  }

  /** The page after those that are here. */
  async more() {
    if (this.#next === null || this.#loadingMore) return;
    this.#loadingMore = true;
    try {
      await this.coalesced.run("more of the list", async () => {
        const { results, next, moves } = await this.#page(this.#next);
        this.#next = next;
        await this.put(results, moves);
      });
    } finally {
      this.#loadingMore = false;
    }
  }

  /** What has been active since then, newest first. @param {string | null} since */
  catchUp(since) {
    return this.coalesced.run("the newest of the list", async () => {
      /** @type {string | null | undefined} */ let cursor;
      do {
        const { results, next, moves } = await this.#page(cursor);
        await this.put(results, moves);
        cursor = since && (results.at(-1)?.updatedAt ?? "") > since ? next : null;
      } while (cursor);
    });
  }

  /** One conversation, as it is now; it goes where there is none for this person. @param {string} id */
  fetch(id) {
    return this.coalesced.run(`conversation ${id}`, async () => {
      for (let sure = false; !sure; ) {
        const { moves } = this.store;
        const found = await this.#asked(() => this.#found(id));
        sure = !this.store.movedSince(id, moves);
        if (sure && found) this.store.putConversation(found);
        else if (sure) this.store.removeConversation(id);
      }
    });
  }

  /** What an answer says of them. Those that came or went while it was on its way are looked at again: it may not know.
   * @param {Conversation[]} conversations @param {number} moves the store's, when it was asked for */
  async put(conversations, moves) {
    const doubtful = conversations.filter(({ id }) => this.store.movedSince(id, moves));
    for (const each of conversations) if (!doubtful.includes(each)) this.store.putConversation(each);
    this.store.changed();
    await Promise.all(doubtful.map(({ id }) => this.fetch(id)));
  }

  /** On a new connection: what was lost before it, nobody has told. */
  connected() {
    this.#connections += 1;
  }

  /** An answer that knows of all that was lost before the connection began: else it is asked for again.
   * @template T @param {() => Promise<T>} question @returns {Promise<T>} */
  async #asked(question) {
    for (;;) {
      const connection = this.#connections;
      const answer = await question();
      if (connection === this.#connections) return answer;
    }
  }

  /** A page of the list, and the store's moves when it was asked for. @param {string | null} [cursor] */
  #page(cursor) {
    return this.#asked(async () => {
      const { moves } = this.store;
      return { ...(await this.rest.conversations(cursor)), moves };
    });
  }

  /** @param {string} id @returns {Promise<Conversation | null>} null where there is none for this person */
  async #found(id) {
    try {
      return await this.rest.conversation(id);
    } catch (error) {
      if (!(error instanceof ChatError) || error.code !== "not_found") throw error;
      return null;
    }
  }
}
