/** Whom one has blocked: loaded with every welcome, and where a conversation looks different since. No DOM. */

export class Blocks {
  /** @type {Set<string>} */ #blocked = new Set();

  /**
   * @param {object} options
   * @param {import("./rest.js").Rest} options.rest
   * @param {import("./coalesced.js").Coalesced} options.coalesced
   * @param {() => void} options.onChange
   */
  constructor({ rest, coalesced, onChange }) {
    this.rest = rest;
    this.coalesced = coalesced;
    this.onChange = onChange;
  }

  /** @param {string | undefined} userId */
  has(userId) {
    return userId !== undefined && this.#blocked.has(userId);
  }

  load() {
    return this.coalesced.run("blocks", async () => {
      this.#blocked = new Set((await this.rest.blocks()).map(({ id }) => id));
      this.onChange();
    });
  }

  /** @param {string} userId @param {boolean} blocked */
  async set(userId, blocked) {
    await (blocked ? this.rest.block(userId) : this.rest.unblock(userId));
    this.#blocked[blocked ? "add" : "delete"](userId);
    this.onChange();
  }
}
