/**
 * Work that brings something up to date, done at most once at a time for each key: asked again meanwhile, it is done
 * once more, since the answer on its way may be older than the asking. What can be tried again is, until it succeeds:
 * a load that was given up would be a hole nobody sees. No DOM.
 */

import { ChatError } from "./errors.js";

const LONGEST_PAUSE = 30;

export class Coalesced {
  /** @type {Map<string, {again: boolean, done: Promise<void>}>} */ #running = new Map();

  /** @param {string} key @param {() => Promise<unknown>} work @returns {Promise<void>} */
  run(key, work) {
    const running = this.#running.get(key);
    if (running) {
      running.again = true;
      return running.done;
    }
    const entry = { again: true, done: Promise.resolve() };
    this.#running.set(key, entry);
    entry.done = this.#work(key, entry, work);
    return entry.done;
  }

  /** When nothing is being done for that key. @param {string} key */
  async idle(key) {
    await this.#running.get(key)?.done.catch(() => undefined);
  }

  /** @param {string} key @param {{again: boolean}} entry @param {() => Promise<unknown>} work */
  async #work(key, entry, work) {
    try {
      while (entry.again) {
        entry.again = false;
        await untilDone(work);
      }
    } finally {
      this.#running.delete(key); // at once: nobody may ask for "again" of what has looked for the last time
    }
  }
}

/** @param {() => Promise<unknown>} work */
async function untilDone(work) {
  for (let tried = 1; ; tried += 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof ChatError) || !error.retryable) throw error;
      const pause = error.retryAfter ?? Math.min(LONGEST_PAUSE, 2 ** tried) * Math.random();
      await new Promise((resolve) => setTimeout(resolve, pause * 1000));
    }
  }
}
