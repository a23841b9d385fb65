/** Whom one has blocked: loaded once, and again where a conversation looks different since. */

export class Blocks {
  /** @type {Set<string>} */ #blocked = new Set();

  /** @param {{rest: import("../core/rest.js").Rest, onChange: () => void}} options */
  constructor({ rest, onChange }) {
    this.rest = rest;
    this.onChange = onChange;
  }

  /** @param {string | undefined} userId */
  has(userId) {
    return userId !== undefined && this.#blocked.has(userId);
  }

  async load() {
    this.#blocked = new Set((await this.rest.blocks()).map(({ id }) => id));
    this.onChange();
  }

  /** @param {string} userId @param {boolean} blocked */
  async set(userId, blocked) {
    await (blocked ? this.rest.block(userId) : this.rest.unblock(userId));
    this.#blocked[blocked ? "add" : "delete"](userId);
    this.onChange();
  }
}
