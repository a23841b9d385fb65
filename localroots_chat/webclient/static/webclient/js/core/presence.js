/**
 * Who is here, of the people who are looked at. The server tells a socket of the last list of people that it has asked
 * about, so the parts of a page say whom they show and one list is asked for all of them. No DOM.
 */

import { ChatError } from "./errors.js";

/** @typedef {import("./types.js").Status} Status */

const PEOPLE_MOST = 100;
const SETTLED_MS = 300; // scrolling shows many people for a moment

export class Presence {
  /** @type {Map<string, Status>} */ #known = new Map();
  /** What each part of the page shows. @type {Map<string, string[]>} */ #shown = new Map();
  #asked = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  /**
   * @param {object} options
   * @param {(event: string, data: unknown) => Promise<any>} options.request
   * @param {() => void} options.onChange
   */
  constructor({ request, onChange }) {
    this.request = request;
    this.onChange = onChange;
  }

  /** @param {string} id @returns {Status | null} null where it is not known */
  of(id) {
    return this.#known.get(id) ?? null;
  }

  /** @param {string} part of the page @param {string[]} people whom it shows */
  show(part, people) {
    this.#shown.set(part, people);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), SETTLED_MS);
  }

  /** A new connection knows nothing of whom one looks at. */
  connected() {
    this.#asked = "";
    void this.#ask();
  }

  /** Nobody knows without a connection. */
  disconnected() {
    this.#known.clear();
    this.onChange();
  }

  /** @param {string} id @param {boolean} online */
  told(id, online) {
    this.#known.set(id, { ...this.#known.get(id), userId: id, online });
    this.onChange();
  }

  async #ask() {
    const people = [...new Set([...this.#shown.values()].flat())].slice(0, PEOPLE_MOST);
    const asked = people.join();
    if (asked === this.#asked || people.length === 0) return;
    this.#asked = asked;
    try {
      /** @type {Status[]} */ const statuses = await this.request("presence:check", people);
      for (const status of statuses) this.#known.set(status.userId, status);
      this.onChange();
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      this.#asked = ""; // best effort: asked again with the next change of what is shown
    }
  }
}
