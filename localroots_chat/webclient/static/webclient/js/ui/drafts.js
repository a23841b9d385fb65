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
    for (const key of stored()) this.#read(key, localStorage.getItem(key));
    addEventListener("storage", ({ key, newValue }) => {
      if (key?.startsWith(this.prefix)) this.#read(key, newValue);
      this.onChange();
    });
  }

  /** @param {string} conversationId @returns {Draft} */
  of(conversationId) {
    return this.#drafts.get(conversationId) ?? NOTHING;
  }

  /** @param {string} conversationId @param {Partial<Draft>} change */
  keep(conversationId, change) {
    const draft = { ...this.of(conversationId), ...change };
    const key = this.prefix + conversationId;
    if (draft.text.trim() === "" && !draft.replyTo) {
      this.#drafts.delete(conversationId);
      write(() => localStorage.removeItem(key));
    } else {
      this.#drafts.set(conversationId, draft);
      write(() => localStorage.setItem(key, JSON.stringify(draft)));
    }
    this.onChange();
  }

  /** All of this person's, as on signing out. */
  clear() {
    for (const id of [...this.#drafts.keys()]) this.keep(id, NOTHING);
  }

  /** @param {string} key @param {string | null} json */
  #read(key, json) {
    if (!key.startsWith(this.prefix)) return;
    const id = key.slice(this.prefix.length);
    if (json === null) this.#drafts.delete(id);
    else this.#drafts.set(id, { ...NOTHING, ...JSON.parse(json) });
  }
}

function stored() {
  try {
    return Object.keys(localStorage);
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
