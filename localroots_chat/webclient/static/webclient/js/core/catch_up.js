/**
 * What was missed, by the command `sync`: of all conversations after every welcome, of single ones where the versions
 * of an event show a gap. One request at a time, each for all that is wanted by then. No DOM.
 */

import { ChatError } from "./errors.js";
import { backOff, pause } from "./waiting.js";

/** @typedef {import("./inbox.js").Inbox} Inbox */
/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./types.js").Sync} Sync */

const CURSORS_MOST = 500;

export class CatchUp {
  /** @type {Set<string>} */ #wanted = new Set();
  #everything = false;
  #running = false;
  /** @type {string | null} */ #since = null;
  /** @type {string | null} */ #epoch = null;

  /**
   * @param {object} options
   * @param {Store} options.store
   * @param {Inbox} options.inbox
   * @param {(event: string, data: unknown) => Promise<any>} options.request
   * @param {(conversationId: string) => void} options.onReset its messages are to be loaded anew
   */
  constructor({ store, inbox, request, onReset }) {
    this.store = store;
    this.inbox = inbox;
    this.request = request;
    this.onReset = onReset;
  }

  /** All that is held, and what has been gained meanwhile. @param {string} [epoch] that of the first welcome */
  everything(epoch) {
    this.#epoch ??= epoch ?? null;
    this.#everything = true;
    for (const id of this.store.conversations.keys()) this.#wanted.add(id);
    return this.#run();
  }

  /** @param {string} id */
  of(id) {
    this.#wanted.add(id);
    return this.#run();
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let attempt = 0; this.#wanted.size > 0 || this.#everything; attempt += 1) {
        const batch = this.#batch();
        const whole = this.#everything;
        this.#everything = false;
        try {
          await this.#sync(batch, whole);
          attempt = -1;
        } catch (error) {
          batch.forEach((id) => this.#wanted.add(id));
          this.#everything ||= whole;
          if (!(error instanceof ChatError)) throw error;
          if (error.code === "disconnected" || !error.retryable) return; // the next welcome asks for everything
          await pause(error.retryAfter ?? backOff(attempt));
        }
      }
    } finally {
      this.#running = false;
    }
  }

  /** As many as may be asked at once, those that are looked at first. */
  #batch() {
    const order = this.store.listed.map(({ id }) => id).filter((id) => this.#wanted.has(id));
    const unknown = [...this.#wanted].filter((id) => !this.store.conversations.has(id));
    const batch = [...order, ...unknown].slice(0, CURSORS_MOST);
    batch.forEach((id) => this.#wanted.delete(id));
    return batch;
  }

  /** @param {string[]} batch @param {boolean} whole */
  async #sync(batch, whole) {
    const known = batch.filter((id) => this.store.conversations.has(id));
    for (const id of batch) if (!known.includes(id)) await this.inbox.fetch(id);
    if (known.length === 0 && !whole) return;
    // Without all of one's conversations among the cursors, `new` and `listStale` would mean others.
    const since = whole ? (this.#since ?? this.inbox.answeredAt) : null;
    const cursors = Object.fromEntries(known.map((id) => [id, this.#cursor(id)]));
    const { moves } = this.store;
    const answer = await this.request("sync", { cursors, since, epoch: this.#epoch });
    await this.#apply(answer, cursors, moves);
    if (whole) await this.#catchUpTheList(answer, since, moves);
    this.#epoch = answer.epoch;
  }

  /** @param {string} id */
  #cursor(id) {
    return [this.store.cursor(id), this.store.conversations.get(id)?.lastReadSeq ?? 0];
  }

  /** @param {Sync} answer @param {Record<string, number[]>} cursors @param {number} moves */
  async #apply(answer, cursors, moves) {
    answer.more.forEach((id) => this.#wanted.add(id));
    await this.inbox.put(answer.conversations, moves);
    for (const [id, head] of Object.entries(answer.heads)) this.#applyTo(id, head, answer, cursors[id][0]);
    for (const id of answer.gone) await this.#gone(id, moves);
    for (const id of answer.reset) await this.#reset(id);
    for (const id of Object.keys(answer.heads)) if (!answer.more.includes(id)) await this.#completeLine(id);
  }

  /** @param {string} id @param {import("./types.js").Head} head @param {Sync} answer @param {number} since */
  #applyTo(id, head, { changes, more }, since) {
    const changed = changes[id] ?? [];
    const complete = more.includes(id) ? (changed.at(-1)?.version ?? since) : head.version;
    this.store.catchUp(id, head, changed, complete, since);
  }

  /** @param {string} id @param {number} moves */
  async #gone(id, moves) {
    if (this.store.movedSince(id, moves)) await this.inbox.fetch(id);
    else this.store.removeConversation(id);
  }

  /** @param {string} id */
  async #reset(id) {
    this.store.forget(id);
    await this.inbox.fetch(id);
    this.onReset(id);
  }

  /** The line of the list shows the last message, which is not always among the changes: where it has changed once more
   * since the head was read, or was purged. @param {string} id */
  async #completeLine(id) {
    const held = this.store.conversations.get(id);
    if (!held || (held.lastMessage?.seq ?? 0) === held.lastSeq || held.lastSeq < held.firstSeq) return;
    await this.inbox.fetch(id);
  }

  /** @param {Sync} answer @param {string | null} since @param {number} moves */
  async #catchUpTheList(answer, since, moves) {
    await this.inbox.put(answer.new, moves);
    if (answer.listStale || since === null) await this.inbox.catchUp(since);
    this.#since = answer.serverTime;
  }
}
