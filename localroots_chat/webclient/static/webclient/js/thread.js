/**
 * The right pane: the open conversation's messages and where the reader stands in them. Whoever is at the newest
 * message stays there; whoever reads further up is not moved, whatever comes above or below.
 */

import { avatar } from "./avatar.js";
import { byId, redraw } from "./dom.js";
import { messageRow } from "./message_row.js";
import { conversationFace, conversationName, membersOf, otherPerson, roleName } from "./people.js";
import { threadRows } from "./thread_rows.js";

/** @typedef {import("./types.js").Conversation} Conversation */

const AT_NEWEST = 40; // pixels
const NEAR_OLDEST = 400;

export class Thread {
  #pane = byId("thread");
  #scroller = byId("messages");
  #rows = byId("message-rows");
  #toNewest = byId("to-newest");
  #typingLine = byId("typing-line");
  /** @type {string | null} */ #shownId = null;
  #atNewest = true;
  #newestSeen = 0;

  /**
   * @param {object} options
   * @param {import("./store.js").Store} options.store
   * @param {import("./outbox.js").Outbox} options.outbox
   * @param {import("./typing.js").TypingBoard} options.typing
   * @param {() => void} options.onNearOldest
   * @param {() => void} options.onPlaceChanged the reader scrolled
   */
  constructor({ store, outbox, typing, onNearOldest, onPlaceChanged }) {
    this.store = store;
    this.outbox = outbox;
    this.typing = typing;
    this.onNearOldest = onNearOldest;
    this.#scroller.addEventListener("scroll", () => {
      this.#atNewest = this.#distanceToNewest() < AT_NEWEST;
      this.#offerNewest();
      if (this.#scroller.scrollTop < NEAR_OLDEST) onNearOldest();
      onPlaceChanged();
    });
    this.#toNewest.addEventListener("click", () => {
      this.goToNewest();
      this.#scroller.focus();
    });
    const observer = new ResizeObserver(() => this.#atNewest && this.goToNewest());
    observer.observe(this.#scroller);
    observer.observe(this.#rows);
  }

  /** The newest message held is on the screen. */
  get showsNewest() {
    return this.#shownId !== null && this.#atNewest;
  }

  goToNewest() {
    this.#atNewest = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#offerNewest();
  }

  draw() {
    const conversation = this.store.open;
    this.#pane.hidden = conversation === null;
    if (!conversation) {
      this.#shownId = null;
      return;
    }
    const opened = this.#shownId !== conversation.id;
    if (opened) this.#begin(conversation);
    this.#heading(conversation);
    this.#messages(conversation);
    this.#typingLine.textContent = this.typing.line(conversation);
  }

  /** @param {Conversation} conversation */
  #begin({ id }) {
    this.#shownId = id;
    this.#atNewest = true;
    this.#rows.replaceChildren();
  }

  /** @param {Conversation} conversation */
  #heading(conversation) {
    const { me } = this.store;
    const other = otherPerson(conversation, me);
    const face = conversationFace(conversation, me);
    const key = JSON.stringify(face);
    const holder = byId("thread-avatar");
    redraw(holder, [{ key, signature: key, build: () => avatar(face) }]);
    byId("thread-name").textContent = conversationName(conversation, me);
    byId("thread-detail").textContent = other ? roleName(other) : membersOf(conversation);
  }

  /** @param {Conversation} conversation */
  #messages(conversation) {
    const thread = this.store.threads.get(conversation.id);
    const loading = !thread || thread.version === null;
    // A page of history is not news: nothing is announced while it is put in.
    const history = (thread?.oldestSeq ?? 0) !== this.#oldestDrawn();
    if (history) this.#scroller.setAttribute("aria-live", "off");
    const rows = threadRows({
      messages: thread?.list ?? [],
      hasOlder: loading || thread.hasOlder,
      letters: this.outbox.of(conversation.id),
      conversation,
      me: this.store.me,
    });
    this.#keepingPlace(() =>
      redraw(
        this.#rows,
        rows.map((row) => messageRow(row, this.#letterActions)),
      ),
    );
    if (history) requestAnimationFrame(() => this.#scroller.setAttribute("aria-live", "polite"));
    if (!loading && this.#scroller.scrollTop < NEAR_OLDEST) this.onNearOldest();
    if (this.#atNewest) this.#newestSeen = thread?.newestSeq ?? 0;
    this.#offerNewest();
  }

  #letterActions = {
    retry: (/** @type {string} */ clientId) => this.outbox.retry(clientId),
    discard: (/** @type {string} */ clientId) => this.outbox.remove(clientId),
  };

  /** @param {() => void} change */
  #keepingPlace(change) {
    const top = this.#scroller.getBoundingClientRect().top;
    const rows = /** @type {HTMLElement[]} */ ([...this.#rows.querySelectorAll("[data-seq]")]);
    const anchor = this.#atNewest ? undefined : rows.find((row) => row.getBoundingClientRect().bottom > top);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    if (this.#atNewest) this.goToNewest();
    else if (anchor?.isConnected) this.#scroller.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  #offerNewest() {
    const newest = this.store.threads.get(this.#shownId ?? "")?.newestSeq ?? 0;
    if (this.#atNewest) this.#newestSeen = newest;
    this.#toNewest.hidden = this.#atNewest;
    this.#toNewest.textContent = newest > this.#newestSeen ? "New messages ↓" : "To the newest ↓";
  }

  #oldestDrawn() {
    const first = /** @type {HTMLElement | null} */ (this.#rows.querySelector("[data-seq]"));
    return first ? Number(first.dataset.seq) : 0;
  }

  #distanceToNewest() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }
}
