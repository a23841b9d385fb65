/**
 * Messages on their way: shown at once, kept until they have arrived, and sent in the order in which they were written
 * in each conversation, one after the other, each under its own clientId, so that sending again after a lost answer
 * stores nothing twice. A lost connection keeps them; a refusal marks one as failed until its writer retries or
 * discards it. All windows of a browser share them: whichever is connected sends, one at a time. No DOM.
 */

import { ChatError } from "./errors.js";
import { newId } from "./ids.js";
import { inMemory, openLetters } from "./letters.js";
import { backOff, pause } from "./waiting.js";

/** @typedef {import("./letters.js").Letter} Letter */
/** @typedef {import("./letters.js").Letters} Letters */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Held} Held */
/** @typedef {Pick<Letter, "conversationId" | "content" | "attachments" | "replyTo">} Written */

export class Outbox {
  /** In the order of writing. @type {Letter[]} */ letters = [];
  /** @type {Promise<Letters>} */ #kept = openLetters();
  /** Reading and writing of the storage, one after the other. @type {Promise<unknown>} */
  #storing = Promise.resolve();
  #writing = 0; // changes that the storage does not have yet
  /** Conversations that are being sent from here, and whether to look again for more at the end.
   * @type {Map<string, {again: boolean}>} */
  #sending = new Map();

  /**
   * @param {object} options
   * @param {string} options.userId
   * @param {(letter: Letter) => Promise<{message?: Message, held?: boolean}>} options.deliver
   * @param {(message: Message) => void} options.onDelivered
   * @param {() => void} options.onChange
   * @param {import("./tabs.js").Tabs} options.tabs
   */
  constructor({ userId, deliver, onDelivered, onChange, tabs }) {
    this.userId = userId;
    this.deliver = deliver;
    this.onDelivered = onDelivered;
    this.onChange = onChange;
    this.tabs = tabs;
    // What another window has written while it has no connection, this one sends.
    const look = () => void this.#read().then(() => this.flush());
    look();
    tabs.on("outbox", look);
  }

  /** @param {string} conversationId */
  of(conversationId) {
    return this.letters.filter((letter) => letter.conversationId === conversationId);
  }

  /** How many are not known to have arrived. */
  get unsent() {
    return this.letters.filter(({ state }) => state === "pending").length;
  }

  /** @param {Written} written */
  post(written) {
    const { userId } = this;
    const now = Date.now();
    const number = Math.max(now, ...this.letters.map((letter) => letter.number + 1)); // clocks go back at times
    const createdAt = new Date(now).toISOString();
    /** @type {Letter} */
    const letter = { number, userId, clientId: newId(), createdAt, state: "pending", ...written };
    this.#become([...this.letters, letter]);
    void this.#store((kept) => kept.add(letter)).then(() => this.flush());
  }

  /** @param {string} clientId */
  retry(clientId) {
    void this.#revise(clientId, { state: "pending", reason: undefined }).then(() => this.flush());
  }

  /** Discarded by its writer, or seen to have arrived. @param {string | null | undefined} clientId */
  remove(clientId) {
    if (!clientId || !this.letters.some((each) => each.clientId === clientId)) return;
    this.#become(this.letters.filter((each) => each.clientId !== clientId));
    void this.#store((kept) => kept.remove(clientId));
  }

  /** What has become of one that waited for a moderator. (Where it was let in, it comes as a message.)
   * @param {Held} held */
  decided({ clientId, state, answer }) {
    if (state === "WITHDRAWN") this.remove(clientId);
    if (state !== "REFUSED" || !clientId) return;
    void this.#revise(clientId, { state: "failed", reason: answer || "A moderator has refused it." });
  }

  /** Those that have waited for a moderator may have been decided while nobody listened: the same again gets an answer
   * that says so. @param {Held[]} waiting that still wait */
  askAgain(waiting) {
    const still = new Set(waiting.map(({ clientId }) => clientId));
    for (const { clientId, state } of this.letters) {
      if (state === "held" && !still.has(clientId)) void this.#revise(clientId, { state: "pending" });
    }
  }

  /** Sends what is pending; called again whenever the connection is back. */
  async flush() {
    const waiting = this.letters.filter(({ state }) => state === "pending");
    const conversations = new Set(waiting.map(({ conversationId }) => conversationId));
    await Promise.all([...conversations].map((id) => this.#flushConversation(id)));
  }

  /** Forgets all of this person's, as on signing out. */
  clear() {
    this.#become([]);
    return this.#store((kept) => kept.clear(this.userId));
  }

  /** @param {string} conversationId */
  async #flushConversation(conversationId) {
    const sending = this.#sending.get(conversationId);
    if (sending) return void (sending.again = true);
    const entry = { again: true };
    this.#sending.set(conversationId, entry);
    try {
      while (entry.again) {
        entry.again = false;
        await this.tabs.alone(`outbox ${this.userId} ${conversationId}`, () => this.#sendAll(conversationId));
      }
    } finally {
      this.#sending.delete(conversationId); // at once: nobody may ask for "again" of what has looked for the last time
    }
  }

  /** @param {string} conversationId */
  async #sendAll(conversationId) {
    await this.#read(); // another window may have sent some of them meanwhile
    let going = true;
    for (let next = this.#next(conversationId); next && going; next = this.#next(conversationId)) {
      going = await this.#send(next);
    }
    await this.#storing; // or the next window would read, and send, what has just been sent
  }

  /** @param {string} conversationId */
  #next(conversationId) {
    return this.of(conversationId).find(({ state }) => state === "pending");
  }

  /** @param {Letter} letter @returns {Promise<boolean>} false if there is no connection to go on with */
  async #send(letter) {
    for (let attempt = 0; this.letters.some(({ clientId }) => clientId === letter.clientId); attempt += 1) {
      try {
        const { message } = await this.deliver(letter);
        if (message) this.onDelivered(message);
        if (message) this.remove(letter.clientId);
        else await this.#revise(letter.clientId, { state: "held" });
        return true;
      } catch (error) {
        if (!(error instanceof ChatError)) throw error;
        if (error.code === "disconnected") return false;
        if (!error.retryable) {
          await this.#revise(letter.clientId, { state: "failed", reason: error.message });
          return true;
        }
        await pause((error.retryAfter ?? 0) + backOff(attempt));
      }
    }
    return true; // discarded meanwhile
  }

  /** @param {string} clientId @param {Partial<Letter>} changes */
  async #revise(clientId, changes) {
    const letter = this.letters.find((each) => each.clientId === clientId);
    if (!letter) return;
    const revised = { ...letter, ...changes };
    this.#become(this.letters.map((each) => (each === letter ? revised : each)));
    await this.#store((kept) => kept.update(revised));
  }

  /** What all windows have written. */
  async #read() {
    for (let read = false; !read; ) {
      await this.#queue(async (kept) => {
        const letters = await kept.all(this.userId);
        read = this.#writing === 0; // else the storage is behind what is shown
        if (read) this.#become(letters);
      });
    }
  }

  /** @param {(kept: Letters) => Promise<unknown>} work */
  async #store(work) {
    this.#writing += 1;
    await this.#queue(work);
    this.#writing -= 1;
    this.tabs.tell("outbox");
  }

  /** @param {(kept: Letters) => Promise<unknown>} work @returns {Promise<void>} */
  #queue(work) {
    const done = this.#storing.then(async () => {
      try {
        await work(await this.#kept);
      } catch {
        // The disk is full, or the browser has taken the storage away: the memory has to do.
        this.#kept = Promise.resolve(inMemory(this.letters));
      }
    });
    this.#storing = done;
    return done;
  }

  /** @param {Letter[]} letters */
  #become(letters) {
    this.letters = letters;
    this.onChange();
  }
}
