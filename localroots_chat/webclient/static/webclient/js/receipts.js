/**
 * Says what has been read: the newest message of the open thread, once it is really on a screen that is looked at.
 * At most one command a second, so that a busy group does not use up the limit. No DOM beyond the tab's visibility.
 */

const PAUSE = 1000;

export class ReadReceipts {
  #resting = false;

  /**
   * @param {object} options
   * @param {import("./store.js").Store} options.store
   * @param {import("./socket.js").ChatSocket} options.socket
   * @param {() => boolean} options.showsNewest
   */
  constructor({ store, socket, showsNewest }) {
    this.store = store;
    this.socket = socket;
    this.showsNewest = showsNewest;
  }

  /** Called whenever something that matters may have changed: a message, a scroll, the tab, the connection. */
  check() {
    const { open, threads, me } = this.store;
    const newest = open && threads.get(open.id)?.list.at(-1);
    if (!newest || newest.seq <= open.lastReadSeq || open.unreadCount === 0) return;
    if (this.#resting || !this.socket.online || document.visibilityState !== "visible" || !this.showsNewest())
      return;
    this.#resting = true;
    setTimeout(() => {
      this.#resting = false;
      this.check();
    }, PAUSE);
    const { lastReadSeq, unreadCount } = open;
    this.store.moveReader(open.id, me.id, newest.seq);
    this.socket.request("message:read", { conversationId: open.id, messageId: newest.id }).catch(() => {
      Object.assign(open, { lastReadSeq, unreadCount }); // the server does not know yet: ask again
      this.store.changed();
    });
  }
}
