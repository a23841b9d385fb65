/**
 * Brings conversations and messages from REST into the store: at the start, on opening a thread, on scrolling up,
 * and, after a reconnect or a gap in the versions, what was missed. (The socket's `sync` answers the last in one round
 * trip for all conversations; it can replace `catchUp` here without anything else noticing.) No DOM.
 */

import { Coalesced } from "./coalesced.js";
import { ChatError } from "./errors.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./types.js").Conversation} Conversation */

const PAGE = 50;
const CATCH_UP_PAGE = 100;
const TOO_FAR_BEHIND = 300; // beyond this, the newest page and scrolling up are cheaper than what was missed

export class Loading {
  /** The list's next page. @type {string | null} */ #next = null;
  #pages = 1;
  /** @type {Map<string, Promise<void>>} */ #opening = new Map();
  /** @type {Promise<void> | null} */ #older = null;
  #coalesced = new Coalesced();

  /** @param {{api: Api, store: Store}} options */
  constructor({ api, store }) {
    this.api = api;
    this.store = store;
  }

  /** The list, as many pages of it as are shown, and the open thread; other threads are loaded anew when opened. */
  refresh() {
    return this.#coalesced.run("the list", async () => {
      const { store } = this;
      const open = store.openId; // another one that is opened meanwhile is loaded anew anyway
      for (const id of store.threads.keys()) if (id !== open) store.dropThread(id);
      const before = new Map([...store.conversations].map(([id, { version }]) => [id, version]));
      const listed = new Set();
      this.#next = null;
      for (let page = 0; page < this.#pages; page += 1) {
        (await this.#listPage()).forEach(({ id }) => listed.add(id));
        if (!this.#next) break;
      }
      for (const [id, { version }] of [...store.conversations]) {
        if (listed.has(id) || id === open || id === store.openId) continue;
        // One that changed meanwhile may have moved to a page that had been read already.
        if (before.get(id) === version) store.removeConversation(id);
        else await this.catchUp(id);
      }
      if (open) await this.catchUp(open);
    });
  }

  async moreOfTheList() {
    if (!this.#next) return;
    this.#pages += 1;
    await this.#listPage();
  }

  async #listPage() {
    const from = this.#next;
    this.#next = null;
    const { results, next } = await this.api.conversations(from);
    this.#next = next;
    results.forEach((conversation) => this.store.putConversation(conversation));
    return results;
  }

  /** The newest page of a conversation's messages, if there is such a conversation for this person.
   * @param {string} id */
  async openThread(id) {
    if (!this.store.conversations.has(id) && !(await this.#conversation(id))) return;
    if (this.store.threads.has(id)) return;
    const opening = this.#firstPage(id, this.store.expectThread(id)).finally(() => {
      if (this.#opening.get(id) === opening) this.#opening.delete(id);
    });
    this.#opening.set(id, opening);
    await opening;
  }

  /** @param {string} id @param {import("./messages.js").Messages} thread */
  async #firstPage(id, thread) {
    try {
      const page = await this.api.messages(id, { limit: PAGE });
      if (this.store.threads.get(id) !== thread) return; // dropped meanwhile, perhaps opened anew
      if (this.store.putNewest(id, page) === "gap") void this.catchUp(id);
    } catch (error) {
      if (this.store.threads.get(id) === thread) this.store.dropThread(id);
      throw error;
    }
  }

  /** Never while the same conversation is caught up, nor the other way round: each has to know where the held
   * messages begin. @param {string} id */
  async olderMessages(id) {
    if (this.#older) return;
    await this.#coalesced.idle(id);
    const thread = this.store.threads.get(id);
    if (this.#older || !thread?.hasOlder || thread.version === null) return;
    this.#older = this.#olderPage(id, thread).finally(() => (this.#older = null));
    await this.#older;
  }

  /** @param {string} id @param {import("./messages.js").Messages} thread */
  async #olderPage(id, thread) {
    const page = await this.api.messages(id, { limit: PAGE, before: thread.oldestSeq });
    if (this.store.threads.get(id) === thread) this.store.putOlder(id, page);
  }

  /** Loads what was missed of one conversation. @param {string} id */
  catchUp(id) {
    return this.#coalesced.run(id, async () => {
      await Promise.allSettled([this.#opening.get(id), this.#older]); // their pages may be older than what is missed
      const conversation = await this.#conversation(id);
      if (conversation) await this.#missedMessages(conversation);
    });
  }

  /** Loads a conversation again of which what was shown looks different now, as after a block. An open thread is
   * loaded with the next drawing. @param {string} id */
  async anew(id) {
    this.store.dropThread(id);
    await this.#conversation(id);
  }

  /** @param {string} id */
  async #conversation(id) {
    try {
      const conversation = await this.api.conversation(id);
      this.store.putConversation(conversation);
      return conversation;
    } catch (error) {
      if (!(error instanceof ChatError) || error.code !== "not_found") throw error;
      this.store.removeConversation(id);
      return null;
    }
  }

  /** @param {Conversation} conversation */
  async #missedMessages({ id, version, lastSeq }) {
    const { store } = this;
    const thread = store.threads.get(id);
    if (!thread || thread.version === null || thread.version >= version) return;
    const fresh = lastSeq - thread.newestSeq;
    if (id !== store.openId || fresh > TOO_FAR_BEHIND) {
      store.dropThread(id);
      if (id === store.openId) await this.openThread(id);
      return;
    }
    // As many new versions as new messages: nothing older changed. Otherwise all that is held is read again.
    const onlyNew = version - thread.version === fresh;
    const begin = thread.hasOlder ? thread.oldestSeq - 1 : 0;
    let after = onlyNew ? thread.newestSeq : begin;
    for (let hasNewer = true; hasNewer;) {
      const page = await this.api.messages(id, { limit: CATCH_UP_PAGE, after });
      if (store.threads.get(id) !== thread) return; // dropped meanwhile, perhaps opened anew
      store.putNewer(id, page);
      hasNewer = page.hasNewer && page.messages.length > 0;
      after = page.messages.at(-1)?.seq ?? after;
    }
    // Not the pages' version: they show what is newer, but not what was edited since in messages before them.
    thread.version = Math.max(thread.version, version);
  }
}
