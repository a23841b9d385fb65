/**
 * Messages on their way: shown at once, sent one after the other in the order they were written, each under its own
 * clientId, so that sending again after a lost answer stores nothing twice. A lost connection keeps them; a refusal
 * marks one as failed until its writer retries or discards it. No DOM.
 */

import { ChatError } from "./errors.js";

/** @typedef {import("./types.js").Message} Message */
/**
 * @typedef {object} Letter
 * @property {string} clientId
 * @property {string} conversationId
 * @property {string} content
 * @property {import("./types.js").Attachment[]} attachments
 * @property {string} createdAt
 * @property {"pending" | "failed" | "held"} state
 * @property {string} [reason] why it failed
 */

const TRIES = 6;

export class Outbox {
  /** @type {Letter[]} */ letters = [];
  #busy = false;

  /**
   * @param {object} options
   * @param {(letter: Letter) => Promise<{message?: Message, held?: boolean}>} options.deliver
   * @param {(message: Message) => void} options.onDelivered
   * @param {() => void} options.onChange
   */
  constructor({ deliver, onDelivered, onChange }) {
    this.deliver = deliver;
    this.onDelivered = onDelivered;
    this.onChange = onChange;
  }

  /** @param {string} conversationId */
  of(conversationId) {
    return this.letters.filter((letter) => letter.conversationId === conversationId);
  }

  get unsent() {
    return this.letters.some((letter) => letter.state === "pending");
  }

  /** @param {string} conversationId @param {string} content @param {import("./types.js").Attachment[]} attachments */
  post(conversationId, content, attachments = []) {
    const createdAt = new Date().toISOString();
    this.letters.push({
      clientId: crypto.randomUUID(),
      conversationId,
      content,
      attachments,
      createdAt,
      state: "pending",
    });
    this.onChange();
    void this.flush();
  }

  /** @param {string} clientId */
  retry(clientId) {
    const letter = this.letters.find((each) => each.clientId === clientId);
    if (letter) letter.state = "pending";
    this.onChange();
    void this.flush();
  }

  /** Discarded by its writer, or seen to have arrived. @param {string | null | undefined} clientId */
  remove(clientId) {
    const rest = this.letters.filter((letter) => letter.clientId !== clientId);
    if (rest.length === this.letters.length) return;
    this.letters = rest;
    this.onChange();
  }

  /** What has become of one that waited for a moderator. (Where it was let in, it comes as a message.)
   * @param {import("./types.js").Held} held */
  decided({ clientId, state, answer }) {
    if (state === "WITHDRAWN") this.remove(clientId);
    const letter = this.letters.find((each) => each.clientId === clientId);
    if (!letter || state !== "REFUSED") return;
    letter.state = "failed";
    letter.reason = answer || "A moderator has refused it.";
    this.onChange();
  }

  /** Sends what is pending; called again whenever the connection is back. */
  async flush() {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let letter = this.#next(); letter; letter = this.#next()) {
        if (!(await this.#send(letter))) return;
      }
    } finally {
      this.#busy = false;
    }
  }

  #next() {
    return this.letters.find((letter) => letter.state === "pending");
  }

  /** @param {Letter} letter @returns {Promise<boolean>} false if there is no connection to go on with */
  async #send(letter) {
    for (let tried = 1; ; tried += 1) {
      try {
        const { message } = await this.deliver(letter);
        if (message) {
          this.onDelivered(message);
          this.remove(letter.clientId);
        } else {
          letter.state = "held";
          this.onChange();
        }
        return true;
      } catch (error) {
        if (!(error instanceof ChatError)) throw error;
        if (error.code === "disconnected") return false;
        if (!error.retryable || tried === TRIES) {
          letter.state = "failed";
          letter.reason = error.message;
          this.onChange();
          return true;
        }
        await seconds(error.retryAfter ?? tried);
      }
    }
  }
}

/** @param {number} count */
function seconds(count) {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}
