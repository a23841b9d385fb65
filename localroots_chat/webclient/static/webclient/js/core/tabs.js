/**
 * What the windows of one browser tell each other, and which of them may do what only one should do at a time. Where
 * the browser has neither, each window is alone. No DOM.
 */

export class Tabs {
  /** @type {BroadcastChannel | null} */ #channel;
  /** @type {Map<string, Set<(data: any) => void>>} */ #listeners = new Map();

  /** @param {string} name windows with the same name hear each other */
  constructor(name) {
    this.name = name;
    this.#channel = globalThis.BroadcastChannel ? new BroadcastChannel(name) : null;
    if (!this.#channel) return;
    /** @type {any} */ (this.#channel).unref?.(); // node would not end
    this.#channel.onmessage = ({ data: { topic, data } }) => {
      for (const listener of this.#listeners.get(topic) ?? []) listener(data);
    };
  }

  /** Tells the others, not oneself. @param {string} topic @param {unknown} [data] */
  tell(topic, data) {
    this.#channel?.postMessage({ topic, data });
  }

  /** @param {string} topic @param {(data: any) => void} listener */
  on(topic, listener) {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
  }

  /** One window at a time. A window that is closed lets go. @param {string} task @param {() => Promise<void>} work */
  async alone(task, work) {
    // Not in node before 24, nor on http: addresses of a local network.
    const { locks } = globalThis.navigator ?? {};
    let begun = false;
    const begin = () => {
      begun = true;
      return work();
    };
    try {
      await locks?.request(`${this.name} ${task}`, begin);
    } catch (error) {
      if (begun) throw error; // else there are locks, but not for this page
    }
    if (!begun) await work();
  }

  close() {
    this.#channel?.close();
  }
}
