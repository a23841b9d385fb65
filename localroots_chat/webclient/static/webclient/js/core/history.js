/**
 * Brings a conversation's messages from REST into the store: the newest, those around a place, and what comes before
 * and after what is held. No DOM.
 */

import { ChatError } from "./errors.js";

/** @typedef {import("./coalesced.js").Coalesced} Coalesced */
/** @typedef {import("./messages.js").Messages} Messages */
/** @typedef {import("./rest.js").Place} Place */
/** @typedef {import("./rest.js").Rest} Rest */
/** @typedef {import("./store.js").Store} Store */

const PAGE = 50;

export class History {
  /** @type {Set<string>} */ #extending = new Set();
  /** Messages of which no more is given: asking again would be asking for ever. @type {WeakSet<Messages>} */
  #refused = new WeakSet();
  /** Where each conversation was looked at last. @type {Map<string, string>} */ #wanted = new Map();

  /**
   * @param {object} options
   * @param {Rest} options.rest
   * @param {Store} options.store
   * @param {Coalesced} options.coalesced
   * @param {(conversationId: string) => void} options.onGap
   * @param {(conversationId: string) => Promise<boolean>} options.isThere it may have been lost unheard
   */
  constructor({ rest, store, coalesced, onGap, isThere }) {
    this.rest = rest;
    this.store = store;
    this.coalesced = coalesced;
    this.onGap = onGap;
    this.isThere = isThere;
  }

  /** The newest messages. @param {string} id */
  newest(id) {
    return this.#load(id, {});
  }

  /** Those around a seq, which is among them where it is kept. @param {string} id @param {number} seq */
  around(id, seq) {
    return this.#load(id, { around: seq });
  }

  /** What is held is what is wanted, whatever was about to be loaded in its place. @param {string} id */
  keep(id) {
    this.#wanted.delete(id);
    this.store.keepThread(id);
  }

  /** @param {string} id @param {Place} place */
  #load(id, place) {
    const where = JSON.stringify(place);
    this.#wanted.set(id, where);
    return this.coalesced.run(`messages of ${id} ${where}`, async () => {
      if (this.#wanted.get(id) !== where) return; // tried again so late that somebody looks elsewhere by now
      const coming = this.store.expectThread(id);
      try {
        const page = await this.rest.messages(id, { limit: PAGE, ...place });
        if (this.store.putThread(id, coming, page) === "gap") this.onGap(id);
      } catch (error) {
        this.store.giveUpThread(id, coming);
        const missing = error instanceof ChatError && error.code === "not_found";
        throw missing && (await this.isThere(id)) ? cameBack() : error;
      }
    });
  }

  /** The page before what is held. @param {string} id */
  older(id) {
    return this.#extend(id, "older", async (thread) => {
      if (!thread.hasOlder || thread.list.length === 0) return;
      const page = await this.rest.messages(id, { limit: PAGE, before: thread.oldestSeq });
      if (thread.hasOlder) thread.extendOlder(page);
    });
  }

  /** The page after what is held, after a jump. @param {string} id */
  newer(id) {
    return this.#extend(id, "newer", async (thread) => {
      if (!thread.hasNewer) return;
      const page = await this.rest.messages(id, { limit: PAGE, after: thread.newestSeq });
      if (thread.hasNewer) thread.extendNewer(page);
    });
  }

  /** @param {string} id @param {"older" | "newer"} direction @param {(thread: Messages) => Promise<void>} work */
  async #extend(id, direction, work) {
    const thread = this.store.thread(id);
    const key = `${direction} messages of ${id}`;
    if (!thread || thread.version === null || this.#refused.has(thread) || this.#extending.has(key)) return;
    this.#extending.add(key);
    try {
      await this.coalesced.run(key, async () => {
        if (this.store.thread(id) === thread) await thread.expecting(() => work(thread));
      });
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      this.#refused.add(thread);
      if (error.code === "not_found") await this.isThere(id).catch(() => false); // it goes, where it is gone
    } finally {
      this.#extending.delete(key);
      this.store.changed();
    }
  }
}

/** Lost, and gained again, between two questions. */
function cameBack() {
  return new ChatError({ code: "not_found", message: "It was away for a moment.", retryable: true });
}
