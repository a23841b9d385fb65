/**
 * Says what has been read: the newest message of the open thread, once it is really on a screen that is looked at.
 * Said at most once a second, so that a busy group does not use up the limit. No DOM beyond the tab's visibility.
 */

const PAUSE = 1000;

export class ReadReceipts {
  /** What is read but not said yet: conversation to message. @type {Map<string, string>} */ #owed =
    new Map();
  #resting = false;

  /**
   * @param {object} options
   * @param {import("./store.js").Store} options.store
   * @param {import("./socket.js").ChatSocket} options.socket
   * @param {() => boolean} options.showsNewest
   * @param {(conversationId: string) => void} options.onRefused the server's count is to be loaded again
   */
  constructor({ store, socket, showsNewest, onRefused }) {
    this.store = store;
    this.socket = socket;
    this.showsNewest = showsNewest;
    this.onRefused = onRefused;
  }

  /** Called whenever something that matters may have changed: a message, a scroll, the tab, the connection. */
  check() {
    const { open, threads, me } = this.store;
    const newest = open && threads.get(open.id)?.list.at(-1);
    if (!newest || newest.seq <= open.lastReadSeq || open.unreadCount === 0) return;
    if (!this.socket.online || document.visibilityState !== "visible" || !this.showsNewest()) return;
    this.store.moveReader(open.id, me.id, newest.seq);
    this.#owed.set(open.id, newest.id);
    if (!this.#resting) this.#say();
  }

  #say() {
    this.#resting = this.#owed.size > 0;
    if (!this.#resting) return;
    for (const [conversationId, messageId] of this.#owed) {
      this.socket.request("message:read", { conversationId, messageId }).catch(({ code }) => {
        // After a lost connection everything is loaded again anyway.
        if (code !== "disconnected") this.onRefused(conversationId);
      });
    }
    this.#owed.clear();
    setTimeout(() => this.#say(), PAUSE);
  }
}
