/**
 * What was begun and not sent, in each conversation: kept in this browser, so that it outlives a reload, and shared
 * with its other windows.
 */

/** @typedef {import("../core/types.js").Reply} Reply */
/** @typedef {{text: string, replyTo: Reply | null}} Draft */

const NOTHING = { text: "", replyTo: null };

export class Drafts {
  /** @type {Map<string, Draft>} */ #drafts = new Map();

  /** @param {{userId: string, onChange: () => void}} options */
  constructor({ userId, onChange }) {
    this.prefix = `localroots draft ${userId} `;
    this.onChange = onChange;
    for (const [key, json] of stored()) this.#read(key, json);
    addEventListener("storage", ({ key }) => {
      // What the event says may be older than what was written here meanwhile.
      if (key && this.#read(key, localStorage.getItem(key))) this.onChange();
    });
  }

  get count() {
    return this.#drafts.size;
  }

  /** @param {string} conversationId @returns {Draft} */
  of(conversationId) {
    return this.#drafts.get(conversationId) ?? NOTHING;
  }

  /** Of every key: whoever writes draws what they write, and nobody else has to.
   * @param {string} conversationId @param {string} text */
  write(conversationId, text) {
    this.#keep(conversationId, { ...this.of(conversationId), text });
  }

  /** @param {string} conversationId @param {Reply | null} replyTo */
  answer(conversationId, replyTo) {
    this.#keep(conversationId, { ...this.of(conversationId), replyTo });
    this.onChange();
  }

  /** @param {string} conversationId */
  clear(conversationId) {
    this.#keep(conversationId, NOTHING);
    this.onChange();
  }

  /** All of this person's, as on signing out. */
  forget() {
    for (const id of [...this.#drafts.keys()]) this.clear(id);
  }

  /** @param {string} conversationId @param {Draft} draft */
  #keep(conversationId, draft) {
    const key = this.prefix + conversationId;
    if (draft.text.trim() === "" && !draft.replyTo) {
      this.#drafts.delete(conversationId);
      write(() => localStorage.removeItem(key));
    } else {
      this.#drafts.set(conversationId, draft);
      write(() => localStorage.setItem(key, JSON.stringify(draft)));
    }
  }

  /** @param {string} key @param {string | null} json @returns {boolean} whether it is one of this person's */
  #read(key, json) {
    if (!key.startsWith(this.prefix)) return false;
    const id = key.slice(this.prefix.length);
    const draft = json === null ? null : parsed(json);
    if (draft) this.#drafts.set(id, draft);
    else this.#drafts.delete(id);
    return true;
  }
}

/** Whatever stands in the storage: others may have written there. @param {string} json @returns {Draft | null} */
function parsed(json) {
  try {
    const { text, replyTo } = JSON.parse(json);
    return typeof text === "string" ? { text, replyTo: replyTo ?? null } : null;
  } catch {
    return null;
  }
}

/** @returns {[string, string | null][]} */
function stored() {
  try {
    return Object.keys(localStorage).map((key) => [key, localStorage.getItem(key)]);
  } catch {
    return []; // the browser keeps nothing for this page
  }
}

/** What cannot be kept is still there in this window. @param {() => void} change */
function write(change) {
  try {
    change();
  } catch {
    // full, or not allowed
  }
}
