/**
 * The messages of a conversation and where the reader stands in them. Whoever is at the newest message stays there;
 * whoever reads further up is not moved, whatever comes above or below. It says which message was seen last, and asks
 * for more where the reader comes near an end of what is held.
 */

import { Component } from "preact";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { isLiving, LetterRow, MessageRow, Notice, quotedName } from "./message.js";

/** @typedef {import("../core/types.js").Message} Message */
/** @typedef {import("./message.js").MessageActions} MessageActions */
/** @typedef {import("./thread_rows.js").ThreadRow} ThreadRow */
/**
 * @typedef {object} Props
 * @property {string} label whose messages these are
 * @property {object | null} run the messages held: another object after a jump, null before the first page
 * @property {ThreadRow[]} rows
 * @property {boolean} hasOlder
 * @property {boolean} hasNewer
 * @property {number} unread
 * @property {string} me
 * @property {boolean} canAct
 * @property {boolean} online
 * @property {(userId: string) => string} nameOf
 * @property {{seq: number} | null} target where to go: another object for every jump
 * @property {MessageActions} actions
 * @property {(direction: "older" | "newer") => void} onNearEnd
 * @property {() => unknown} onAtEnd the newest message is on the screen: the oldest may go
 * @property {() => void} onToNewest
 * @property {(message: Message) => void} onSeen
 * @property {(message: Message) => void} onSeenBy
 */

const AT_NEWEST = 40; // pixels
const NEAR = 800;
const UNREAD_AT = 0.25; // of the height: where the line above the unread comes to stand

/** @typedef {{arrived: boolean, away: boolean, selected: string | null}} State `away` from the newest message */

/** @extends {Component<Props, State>} */
export class MessageList extends Component {
  /** @type {State} */
  state = { arrived: false, away: false, selected: null };
  /** @type {HTMLElement | null} */ #scroller = null;
  /** @type {HTMLElement | null} */ #list = null;
  #atNewest = true;
  /** Where the reader was after the last scrolling. @type {{element: Element, bottom: number, scrollTop: number} | undefined} */
  #anchor;
  /** @type {{seq: number} | null} */ #reached = null;
  #watch = new ResizeObserver(() => this.#settled());
  #looked = () => this.#reportSeen();

  componentDidMount() {
    if (this.#scroller) this.#watch.observe(this.#scroller);
    if (this.#list) this.#watch.observe(this.#list);
    document.addEventListener("visibilitychange", this.#looked);
    this.#arrive();
  }

  componentWillUnmount() {
    this.#watch.disconnect();
    document.removeEventListener("visibilitychange", this.#looked);
  }

  /** What was scrolled before is meant; what the browser scrolls when messages go is not. */
  getSnapshotBeforeUpdate() {
    return this.#scroller?.scrollTop;
  }

  /** @param {Props} before @param {unknown} _ @param {number | undefined} scrollTop */
  componentDidUpdate(before, _, scrollTop) {
    const { run, target } = this.props;
    if (run !== before.run) this.#arrive();
    else if (target !== before.target && target) this.#goTo(target);
    else this.#stay(scrollTop);
    this.#look();
  }

  /** On opening, and after a jump to messages that were not held: where does the reader begin? */
  #arrive() {
    const { run, target } = this.props;
    if (!run) return;
    if (!this.state.arrived) setTimeout(() => this.setState({ arrived: true })); // a page of history is not news
    const unread = this.#list?.querySelector(".unread-line");
    if (target && target !== this.#reached && this.#goTo(target)) return this.#look();
    if (unread) this.#show(unread, UNREAD_AT);
    else this.#toEnd();
    this.#look();
  }

  /** @param {{seq: number}} target Infinity is the end @returns {boolean} whether it is held */
  #goTo(target) {
    if (target.seq === Infinity) {
      this.#toEnd();
      return true;
    }
    const row = this.#list?.querySelector(`[data-seq="${target.seq}"]`);
    if (!row) return false;
    this.#reached = target;
    this.#show(row, 0.4);
    row.classList.remove("highlighted");
    void (/** @type {HTMLElement} */ (row).offsetWidth); // begin its animation again
    row.classList.add("highlighted");
    return true;
  }

  /** @param {Element} row @param {number} share of the height above it */
  #show(row, share) {
    const scroller = /** @type {HTMLElement} */ (this.#scroller);
    const above = row.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    this.#moveBy(above - scroller.clientHeight * share);
    this.#measure();
  }

  #toEnd() {
    if (!this.#scroller) return;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#measure();
  }

  /** Where one is, whatever has come, gone or got another size. @param {number} [scrolledTo] before that */
  #stay(scrolledTo) {
    if (!this.#atNewest) return this.#holdAnchor(scrolledTo);
    this.#toEnd();
    if (document.visibilityState === "visible") return this.props.onAtEnd();
    // What comes while nobody looks is not to run out of the window before it was seen.
    const unread = this.#list?.querySelector(".unread-line");
    if (unread && unread.getBoundingClientRect().top < this.#top) this.#show(unread, 0);
  }

  /** The first message on the screen stays where it was, by its lower edge: above it, its sender's name may go when
   * what is before it comes. @param {number} [scrolledTo] since it was noted */
  #holdAnchor(scrolledTo) {
    if (!this.#anchor?.element.isConnected) return;
    const { element, bottom, scrollTop } = this.#anchor;
    const scrolled = (scrolledTo ?? scrollTop) - scrollTop;
    this.#moveBy(element.getBoundingClientRect().bottom - this.#top - (bottom - scrolled));
    this.#noteAnchor();
  }

  #noteAnchor() {
    const element = this.#atNewest ? undefined : this.#firstOnScreen();
    this.#anchor = element && {
      element,
      bottom: element.getBoundingClientRect().bottom - this.#top,
      scrollTop: this.#scroller?.scrollTop ?? 0,
    };
  }

  #firstOnScreen() {
    const rows = this.#messages();
    let [first, last] = [0, rows.length];
    while (first < last) {
      const middle = (first + last) >> 1;
      if (rows[middle].getBoundingClientRect().bottom > this.#top) last = middle;
      else first = middle + 1;
    }
    return rows[first];
  }

  get #top() {
    return this.#scroller?.getBoundingClientRect().top ?? 0;
  }

  /** @param {number} pixels */
  #moveBy(pixels) {
    if (this.#scroller && pixels !== 0) this.#scroller.scrollTop += pixels;
  }

  /** Something has got another size, such as the window above a keyboard. */
  #settled() {
    this.#stay();
    this.#look();
  }

  #scrolled() {
    this.#measure();
    this.#look();
  }

  #measure() {
    if (!this.#scroller) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#atNewest = !this.props.hasNewer && scrollHeight - scrollTop - clientHeight < AT_NEWEST;
    if (this.state.away === this.#atNewest) this.setState({ away: !this.#atNewest });
    this.#noteAnchor();
  }

  /** What is on the screen has been seen, and what is near it will be wanted. */
  #look() {
    const { run, hasOlder, hasNewer, onNearEnd } = this.props;
    if (!run || !this.#scroller) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    if (hasOlder && scrollTop < NEAR) onNearEnd("older");
    if (hasNewer && scrollHeight - scrollTop - clientHeight < NEAR) onNearEnd("newer");
    this.#reportSeen();
  }

  #reportSeen() {
    if (document.visibilityState !== "visible" || !this.#scroller || this.props.unread === 0) return;
    const bottom = this.#scroller.getBoundingClientRect().bottom + 1;
    const seen = this.#messages()
      .reverse()
      .find((row) => row.getBoundingClientRect().bottom <= bottom);
    const seq = Number(/** @type {HTMLElement | undefined} */ (seen)?.dataset.seq);
    const row = this.props.rows.find((each) => each.kind === "message" && each.message.seq === seq);
    if (row?.kind === "message") this.props.onSeen(row.message);
  }

  /** @returns {Element[]} */
  #messages() {
    return [...(this.#list?.querySelectorAll("[data-seq]") ?? [])];
  }

  /** The arrow keys walk through the messages, Enter opens what can be done with one. @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.target !== this.#scroller && !(/** @type {Element} */ (event.target).matches("[data-seq]"))) return;
    const all = this.props.rows.flatMap((row) => (row.kind === "message" ? row.message : []));
    const messages = all.filter(({ type }) => type !== "SYSTEM");
    const at = messages.findIndex(({ id }) => id === this.state.selected);
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step) {
      event.preventDefault();
      const next = messages[at < 0 ? messages.length - 1 : Math.max(0, Math.min(messages.length - 1, at + step))];
      if (next) this.#select(next);
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      const row = this.#list?.querySelector(`[data-seq="${messages[at].seq}"] .bubble-row`);
      if (row && this.props.canAct && isLiving(messages[at])) this.props.actions.menu(messages[at], row);
    } else if (event.key === "Escape") {
      this.setState({ selected: null });
      this.#scroller?.focus({ preventScroll: true });
    }
  }

  /** @param {Message} message */
  #select({ id, seq }) {
    this.setState({ selected: id }, () => {
      const row = this.#list?.querySelector(`[data-seq="${seq}"]`);
      if (!(row instanceof HTMLElement)) return;
      row.focus({ preventScroll: true }); // and so it is read out
      row.scrollIntoView({ block: "nearest" });
    });
  }

  /** @param {Props} props */
  render({ label, rows, run, hasNewer, unread, onToNewest }) {
    const toNewest = () => {
      if (hasNewer) onToNewest();
      else this.#toEnd();
      this.#scroller?.focus({ preventScroll: true });
    };
    return html`
      <div
        class="messages"
        role="log"
        aria-live=${this.state.arrived && !this.state.away ? "polite" : "off"}
        aria-label="Messages with ${label}"
        tabindex="0"
        ref=${(/** @type {HTMLElement | null} */ element) => (this.#scroller = element)}
        onScroll=${() => this.#scrolled()}
        onKeyDown=${(/** @type {KeyboardEvent} */ event) => this.#pressed(event)}
      >
        <ol ref=${(/** @type {HTMLElement | null} */ element) => (this.#list = element)}>
          ${run ? rows.map((row) => this.#row(row)) : html`<${Skeleton} key="older" />`}
        </ol>
      </div>
      ${(this.state.away || hasNewer) &&
      html`<button class="button to-newest" type="button" onClick=${toNewest}>
        ${unread > 0 ? `${unread > 99 ? "99+" : unread} new` : "To the newest"}<${Icon} name="down" />
      </button>`}
    `;
  }

  /** @param {ThreadRow} row */
  #row(row) {
    const { me, nameOf, actions, canAct, online, onSeenBy } = this.props;
    switch (row.kind) {
      case "older":
      case "newer":
        return html`<${Skeleton} key=${row.key} />`;
      case "beginning":
        return html`<li key=${row.key} class="thread-note">This is where the conversation begins.</li>`;
      case "day":
        return html`<li key=${row.key} class="day"><span>${row.label}</span></li>`;
      case "unread":
        return html`<li key=${row.key} class="unread-line"><span>New messages</span></li>`;
      case "seen":
        return html`<li key=${row.key} class="seen" aria-live="off">
          <button type="button" class="seen-button" onClick=${() => onSeenBy(row.message)}>${row.label}</button>
        </li>`;
      case "letter": {
        const quoted = quotedName(row.letter.replyTo, me, nameOf);
        return html`<${LetterRow} key=${row.key} letter=${row.letter} begins=${row.begins} online=${online} quoted=${quoted} actions=${actions} />`;
      }
      case "message": {
        const { message } = row;
        if (message.type === "SYSTEM") return html`<${Notice} key=${row.key} message=${message} />`;
        return html`<${MessageRow}
          ...${row}
          key=${row.key}
          canAct=${canAct}
          selected=${this.state.selected === message.id}
          quoted=${quotedName(message.replyTo, me, nameOf)}
          actions=${actions}
        />`;
      }
    }
  }
}

function Skeleton() {
  return html`
    <li class="skeleton-messages">
      <span class="visually-hidden">Loading messages</span>
      <i /><i class="own" /><i /><i /><i class="own" />
    </li>
  `;
}
