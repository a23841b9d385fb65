/** Changes of messages that are being written, one in each conversation: still there when one comes back to it. */

/** @typedef {import("../core/types.js").Message} Message */
/** @typedef {{message: Message, text: string}} Edit */

export class Edits {
  /** @type {Map<string, Edit>} */ #edits = new Map();

  /** @param {{onChange: () => void}} options */
  constructor({ onChange }) {
    this.onChange = onChange;
  }

  /** @param {string} conversationId */
  of(conversationId) {
    return this.#edits.get(conversationId) ?? null;
  }

  /** @param {Message} message */
  begin(message) {
    this.#edits.set(message.conversationId, { message, text: message.content });
    this.onChange();
  }

  /** Of every key, as a draft. @param {Edit} edit @param {string} text */
  write({ message }, text) {
    this.#edits.set(message.conversationId, { message, text });
  }

  /** Unless it is another one by now. @param {Message} message */
  end({ id, conversationId }) {
    if (this.of(conversationId)?.message.id === id) this.#edits.delete(conversationId);
    this.onChange();
  }
}
