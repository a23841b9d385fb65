/**
 * The messages of one conversation that are held here: an unbroken run of `seq`, oldest first. The one way in is
 * "put this message by id"; an older version never replaces a newer one. No DOM.
 */

/** @typedef {import("./types.js").Message} Message */

export class Messages {
  /** @type {Map<string, Message>} */ #byId = new Map();
  /** @type {Message[]} */ #ordered = [];
  /** News of messages older than the run. @type {Map<string, Message>} */ #beyond = new Map();

  /** The conversation's version that these messages are complete up to; null before the first page has come.
   * @type {number | null} */
  version = null;
  hasOlder = true;

  get list() {
    return this.#ordered;
  }

  get oldestSeq() {
    return this.#ordered[0]?.seq ?? 0;
  }

  get newestSeq() {
    return this.#ordered.at(-1)?.seq ?? 0;
  }

  /** @param {Message[]} page a part of the conversation that continues the run */
  putPage(page) {
    for (const message of page) {
      this.#put(message);
      const later = this.#beyond.get(message.id);
      if (later) this.#put(later);
    }
  }

  /** An event's message. One older than the run waits for its page, which may have been read before the event.
   * @param {Message} message */
  put(message) {
    if (this.hasOlder && message.seq < this.oldestSeq) this.#beyond.set(message.id, message);
    else this.#put(message);
  }

  /** @param {Message} message */
  #put(message) {
    const held = this.#byId.get(message.id);
    if (held && held.version >= message.version) return;
    this.#byId.set(message.id, message);
    if (held) this.#ordered[this.#ordered.indexOf(held)] = message;
    else this.#insert(message);
  }

  /** @param {Message} message */
  #insert(message) {
    let at = this.#ordered.length;
    while (at > 0 && this.#ordered[at - 1].seq > message.seq) at -= 1;
    this.#ordered.splice(at, 0, message);
  }
}
