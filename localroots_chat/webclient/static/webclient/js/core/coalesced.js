/**
 * Work that brings something up to date, done at most once at a time for each key: asked again meanwhile, it is done
 * once more, since the answer on its way may be older than the asking. What can be tried again is, until it succeeds:
 * a load that was given up would be a hole nobody sees. No DOM.
 */

import { ChatError } from "./errors.js";
import { backOff, pause } from "./waiting.js";

export class Coalesced {
  /** @type {Map<string, {again: boolean, done: Promise<void>}>} */ #running = new Map();
  #stopped = false;
  /** Those who wait to try again. @type {Set<() => void>} */ #pausing = new Set();

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

  /** The network is back: nothing has to wait any longer. */
  wake() {
    for (const goOn of this.#pausing) goOn();
  }

  /** For good: what waits to try again is given up. */
  stop() {
    this.#stopped = true;
    this.wake();
  }

  /** @param {string} key @param {{again: boolean}} entry @param {() => Promise<unknown>} work */
  async #work(key, entry, work) {
    try {
      while (entry.again) {
        entry.again = false;
        await this.#untilDone(work);
      }
    } finally {
      this.#running.delete(key); // at once: nobody may ask for "again" of what has looked for the last time
    }
  }

  /** @param {() => Promise<unknown>} work */
  async #untilDone(work) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await work();
        return;
      } catch (error) {
        if (!(error instanceof ChatError) || !error.retryable || this.#stopped) throw error;
        await this.#pause(error.retryAfter ?? backOff(attempt));
      }
    }
  }

  /** @param {number} seconds */
  async #pause(seconds) {
    /** @type {() => void} */ let goOn = () => undefined;
    const woken = new Promise((resolve) => (goOn = () => resolve(undefined)));
    this.#pausing.add(goOn);
    await Promise.race([pause(seconds), woken]);
    this.#pausing.delete(goOn);
  }
}
