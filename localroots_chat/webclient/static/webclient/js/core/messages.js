/**
 * The messages of one conversation that are held here: an unbroken run of `seq`, oldest first, which ends at the
 * conversation's newest message or, after a jump, somewhere before it. The one way in is "put this message by id"; an
 * older version never replaces a newer one. No DOM.
 */

import { judge } from "./versions.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./versions.js").Verdict} Verdict */
/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Page} Page */
/** @typedef {import("./types.js").Reaction} Reaction */

const MOST = 400; // held at once; where there are more, those farthest from the reader go
const KEPT = 300;

export class Messages {
  /** @type {Map<string, Message>} */ #byId = new Map();
  /** @type {Message[]} */ #ordered = [];
  /** News of messages outside the run, while a page is on its way that may have been read before them.
   * @type {Map<string, Message>} */
  #outside = new Map();
  #pagesComing = 0;
  /** Events that came before the first page. @type {Frame[]} */ #early = [];

  /** The conversation's version that these messages are complete up to; null before the first page has come.
   * @type {number | null} */
  version = null;
  hasOlder = true;
  hasNewer = false;

  /**
   * @param {string} me the reader's id: whose reactions are `mine`
   * @param {(message: Message) => void} [onUnknown] it is not known which of its reactions are one's own
   */
  constructor(me, onUnknown = () => undefined) {
    this.me = me;
    this.onUnknown = onUnknown;
  }

  /** The same list until something changes. */
  get list() {
    return this.#ordered;
  }

  get oldestSeq() {
    return this.#ordered[0]?.seq ?? 0;
  }

  get newestSeq() {
    return this.#ordered.at(-1)?.seq ?? 0;
  }

  /** @param {string} id */
  get(id) {
    return this.#byId.get(id);
  }

  /** @param {number} seq */
  holds(seq) {
    return seq >= this.oldestSeq && seq <= this.newestSeq && this.#ordered.length > 0;
  }

  /** Each of them. @param {number} first @param {number} last */
  holdsAll(first, last) {
    const whole = this.newestSeq - this.oldestSeq + 1 === this.#ordered.length;
    return whole && this.holds(first) && this.holds(last);
  }

  /**
   * While a page is asked for and put: what is told meanwhile of messages outside the run is kept for it.
   * @param {() => Promise<void>} work
   */
  async expecting(work) {
    this.#pagesComing += 1;
    try {
      await work();
    } finally {
      this.#pagesComing -= 1;
      if (this.#pagesComing === 0) this.#outside.clear();
    }
  }

  /** The first page, then what has happened since it was asked for. @param {Page} page @returns {Verdict} */
  begin({ messages, version, hasOlder, hasNewer }) {
    this.version = version;
    this.hasOlder = hasOlder;
    this.hasNewer = hasNewer;
    this.#putAll(messages);
    const early = this.#early.splice(0);
    return early.map((frame) => this.receive(frame)).includes("gap") ? "gap" : "applied";
  }

  /** A durable event. @param {Frame} frame @returns {Verdict} */
  receive(frame) {
    const { event, data, prev = 0, version = 0 } = frame;
    if (this.version === null) {
      this.#early.push(frame);
      return "dropped";
    }
    const verdict = judge(this.version, prev, version);
    if (verdict !== "applied") return verdict;
    this.version = version;
    if (event.startsWith("message:")) this.put(data, version - prev === 1);
    return verdict;
  }

  /** A sync's changes, complete from one version up to another. Where they begin behind what is held, as they may for
   * a page that came while the sync was on its way, there would be a hole that nobody knows of.
   * @param {Message[]} changes @param {number} version @param {number} since */
  catchUp(changes, version, since) {
    if (this.version === null || since > this.version) return;
    for (const message of changes) this.put(message);
    this.version = Math.max(this.version, version);
  }

  /** The page before the oldest, left aside where it does not continue the run. @param {Page} page */
  extendOlder({ messages, hasOlder }) {
    if (messages.length > 0 && !this.#adjoins(messages)) return;
    this.hasOlder = hasOlder;
    this.#putAll(messages);
    if (this.#ordered.length > MOST) {
      this.#cut(this.#ordered.slice(0, KEPT));
      this.hasNewer = true;
    }
  }

  /** The page after the newest, left aside where it does not continue the run. @param {Page} page */
  extendNewer({ messages, hasNewer }) {
    if (messages.length > 0 && !this.#adjoins(messages)) return;
    this.hasNewer = hasNewer;
    this.#putAll(messages);
    this.forgetOldest();
  }

  /** For who reads at the end of a conversation that goes on and on. @returns {boolean} whether there were too many */
  forgetOldest() {
    if (this.#ordered.length <= MOST) return false;
    this.#cut(this.#ordered.slice(-KEPT));
    this.hasOlder = true;
    return true;
  }

  /** What an event, a reply or a sync says. @param {Message} message
   * @param {boolean} [single] whether no more than one change lies between it and what was told of it before */
  put(message, single = true) {
    const before = this.hasOlder && message.seq < this.oldestSeq;
    const after = this.hasNewer && message.seq > this.newestSeq;
    if (!before && !after) return this.#put(message, single);
    if (this.#pagesComing > 0) this.#outside.set(message.id, message);
  }

  /** @param {Message[]} page */
  #adjoins(page) {
    return page[0].seq <= this.newestSeq + 1 && (page.at(-1)?.seq ?? 0) >= this.oldestSeq - 1;
  }

  /** @param {Message[]} messages */
  #putAll(messages) {
    for (const message of messages) this.#put(message);
    for (const message of [...this.#outside.values()].sort((a, b) => a.seq - b.seq)) this.put(message, false);
  }

  /** @param {Message} message @param {boolean} [single] */
  #put(message, single = true) {
    const held = this.#byId.get(message.id);
    if (held && !supersedes(message, held)) return;
    const known = withOwnReactions(message, held, this.me, single);
    this.#byId.set(message.id, known);
    const list = this.#ordered;
    let at = held ? list.indexOf(held) : list.length;
    while (!held && at > 0 && list[at - 1].seq > message.seq) at -= 1;
    this.#ordered = [...list.slice(0, at), known, ...list.slice(held ? at + 1 : at)];
    if (!knowsOwnReactions(known)) this.onUnknown(known);
  }

  /** @param {Message[]} rest */
  #cut(rest) {
    this.#ordered = rest;
    this.#byId = new Map(rest.map((message) => [message.id, message]));
  }
}

/** Newer; or of the same version, but it knows which reactions are one's own. @param {Message} message
 * @param {Message} held */
function supersedes(message, held) {
  if (message.version !== held.version) return message.version > held.version;
  return knowsOwnReactions(message) && !knowsOwnReactions(held);
}

/** Answers say which reactions are one's own; events go to everybody, and cannot. @param {Message} message */
function knowsOwnReactions({ reactions = [] }) {
  return reactions.every(({ mine }) => mine !== undefined);
}

/**
 * An event's message, with what is known of one's own reactions: as before, but for the one that it tells of. Where it
 * cannot be known (the server tells of changes that it has read from the database without saying whose they were), it
 * stays unknown, and the message is to be asked for.
 * @param {Message} message @param {Message | undefined} held @param {string} me @param {boolean} single
 */
function withOwnReactions(message, held, me, single) {
  if (knowsOwnReactions(message)) return message;
  const { actorId, reaction } = message;
  // Two changes may leave the counts as they were: one's own taken away, and another's put there.
  if (!single || !held || !knowsOwnReactions(held) || !follows(message, held)) return message;
  const before = new Set((held.reactions ?? []).filter(({ mine }) => mine).map(({ emoji }) => emoji));
  if (reaction && actorId === me) before[reaction.removed ? "delete" : "add"](reaction.emoji);
  const reactions = message.reactions?.map((each) => ({ ...each, mine: before.has(each.emoji) }));
  return { ...message, reactions };
}

/** Whether the counts differ by what the event tells, and by nothing else: a sync leaves out what changed while it was
 * answered. @param {Message} message @param {Message} held */
function follows({ reactions = [], reaction }, { reactions: before = [] }) {
  const counts = new Map(before.map(({ emoji, count }) => [emoji, count]));
  if (reaction) counts.set(reaction.emoji, (counts.get(reaction.emoji) ?? 0) + (reaction.removed ? -1 : 1));
  for (const { emoji, count } of reactions) counts.set(emoji, (counts.get(emoji) ?? 0) - count);
  return [...counts.values()].every((difference) => difference === 0);
}
