/**
 * What this client knows of its conversations and their messages. The list's line and the messages of a conversation
 * are loaded by different requests, so each keeps the version that it is true of (versions.js has the rule). What has
 * changed is another object than before, so whoever draws can compare. No DOM, no network.
 */

import { Messages } from "./messages.js";
import { judge } from "./versions.js";

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Head} Head */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Page} Page */
/** @typedef {import("./types.js").User} User */
/** @typedef {import("./versions.js").Verdict} Verdict */

const UNREAD_COUNTED_TO = 1000;
const THREADS_MOST = 20; // held at once: coming back to one of the last is instant

export class Store {
  /** @type {Map<string, Conversation>} */ conversations = new Map();
  /** Of whom the list could not be told apart from an empty one yet. */
  listLoaded = false;
  /** The conversation that is looked at. @type {string | null} */ openId = null;

  /** Messages by conversation, the last opened last. @type {Map<string, Messages>} */ #threads = new Map();
  /** Those whose first page is on its way. @type {Map<string, Messages>} */ #coming = new Map();
  /** @type {Set<() => void>} */ #listeners = new Set();
  #announced = false;
  /** @type {Conversation[] | null} */ #listed = null;
  /** The newest answer's version, and the places of the messages that events have counted as unread behind it.
   * @type {Map<string, {answered: number, counted: number[]}>} */ #counts = new Map();

  /** Where one's own pointer was when it was asked for how much is unread. @type {Map<string, number>} */
  #asked = new Map();

  /** Comings and goings of conversations so far: an answer that was asked for before one may not know of it. */
  moves = 0;
  /** @type {Map<string, number>} */ #lastMove = new Map();

  /** How much is unread cannot be told from what is held: says whether it is asked for now.
   * @type {(id: string) => boolean} */
  onUncounted = () => false;
  /** Which of its reactions are one's own cannot be told. @type {(message: Message) => void} */
  onUnknown = () => undefined;

  /** @param {User} me */
  constructor(me) {
    this.me = me;
  }

  /** The listener is called once after any number of changes made in one go. @param {() => void} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  changed() {
    if (this.#announced) return;
    this.#announced = true;
    queueMicrotask(() => {
      this.#announced = false;
      for (const listener of [...this.#listeners]) listener();
    });
  }

  // Conversations

  get open() {
    return this.openId === null ? null : (this.conversations.get(this.openId) ?? null);
  }

  /** Newest activity first. The same list until something changes. */
  get listed() {
    this.#listed ??= [...this.conversations.values()].sort((a, b) => (activity(a) < activity(b) ? 1 : -1));
    return this.#listed;
  }

  /** Over all conversations but the muted ones. */
  get unreadTotal() {
    return this.listed.reduce((sum, each) => sum + (each.muted ? 0 : each.unreadCount), 0);
  }

  /** A whole answer of the server's. @param {Conversation} conversation */
  putConversation(conversation) {
    const { id, version, lastMessage } = conversation;
    const held = this.conversations.get(id);
    if (held && held.version > version) return this.#putHead(held, conversation, lastMessage ? [lastMessage] : []);
    const behind = held && this.#isBehind(held, conversation.lastReadSeq);
    const { lastReadSeq, unreadCount } = behind ? held : conversation;
    this.#set({ ...conversation, lastReadSeq, unreadCount });
    this.#answered(id, conversation);
    if (behind) this.#recount(id);
  }

  /** What a sync says of one that is held. @param {string} id @param {Head} head @param {Message[]} changes
   * @param {number} version up to which the changes are complete @param {number} since from where on they are */
  catchUp(id, head, changes, version, since) {
    for (const thread of this.#threadsOf(id)) thread.catchUp(changes, version, since);
    const held = this.conversations.get(id);
    if (held) this.#putHead(held, head, changes, version);
    this.changed();
  }

  /** @param {Conversation} held @param {Head} head @param {Message[]} changes
   * @param {number} [complete] up to which version they are, where more of them will follow */
  #putHead(held, head, changes, complete = head.version) {
    const { id } = held;
    const { answered, counted } = this.#counts.get(id) ?? { answered: 0, counted: [] };
    // A newer answer overtook this one.
    if (head.version < answered) return this.moveReader(id, this.me.id, head.lastReadSeq);
    const behind = this.#isBehind(held, head.lastReadSeq);
    const since = counted.filter((seq) => seq > head.lastSeq);
    const line = {
      lastMessage: newestOf(held.lastMessage, changes),
      lastReadSeq: behind ? held.lastReadSeq : head.lastReadSeq,
      unreadCount: behind ? held.unreadCount : Math.min(UNREAD_COUNTED_TO, head.unreadCount + since.length),
    };
    // Where events overtook this answer they know better, but for the count: what was deleted, only the server knows.
    if (held.version > head.version) this.#set({ ...held, ...line });
    else {
      const { firstSeq, lastSeq } = head;
      const version = Math.max(held.version, complete); // what follows may change the last message
      const participants = withReads(held.participants, head.reads);
      this.#set({ ...held, ...line, version, firstSeq, lastSeq, participants });
    }
    this.#answered(id, head);
    if (behind) this.#recount(id);
  }

  /** An answer may not know yet what was read here a moment ago. The second one knows: what was read may not have been
   * taken, or have been taken back. @param {Conversation} held @param {number} lastReadSeq */
  #isBehind({ id, lastReadSeq: own }, lastReadSeq) {
    const asked = this.#asked.get(id) === own;
    this.#asked.delete(id);
    return lastReadSeq < own && !asked;
  }

  /** @param {string} id @param {{version: number, lastSeq: number}} head */
  #answered(id, { version, lastSeq }) {
    const counted = this.#counts.get(id)?.counted.filter((seq) => seq > lastSeq) ?? [];
    this.#counts.set(id, { answered: version, counted });
  }

  /** Where it could not be told how much is unread: counted here, where all that may be is held, or asked for.
   * @param {string} id */
  #recount(id) {
    const held = this.conversations.get(id);
    if (!held) return;
    const unreadCount = this.#countedHere(held);
    if (unreadCount === null) return this.askForReader(id);
    this.#asked.delete(id);
    this.#set({ ...held, unreadCount });
    this.#answered(id, held);
  }

  /** How far one has read, and what is left. @param {string} id */
  askForReader(id) {
    const held = this.conversations.get(id);
    if (held && this.onUncounted(id)) this.#asked.set(id, held.lastReadSeq);
  }

  /** @param {Conversation} held */
  #countedHere(held) {
    const { id, version, lastSeq, lastReadSeq } = held;
    if (lastReadSeq >= lastSeq) return 0;
    const thread = this.thread(id);
    if (thread?.version !== version || !thread.holdsAll(lastReadSeq + 1, lastSeq)) return null;
    // A page may hold newer ones, whose events are still to count them.
    const unread = thread.list.filter((message) => message.seq <= lastSeq && this.#countsAsUnread(held, message));
    return Math.min(UNREAD_COUNTED_TO, unread.length);
  }

  /** @param {Conversation} conversation */
  #set(conversation) {
    this.conversations.set(conversation.id, conversation);
    this.#listed = null;
    this.changed();
  }

  /** @param {string} id */
  removeConversation(id) {
    this.moved(id);
    this.conversations.delete(id);
    this.#listed = null;
    this.#counts.delete(id);
    this.dropThread(id);
  }

  /** It was gained or lost just now. @param {string} id */
  moved(id) {
    this.moves += 1;
    this.#lastMove.set(id, this.moves);
  }

  /** Since there were so many moves. @param {string} id @param {number} moves */
  movedSince(id, moves) {
    return (this.#lastMove.get(id) ?? 0) > moves;
  }

  // Threads

  /** The messages of a conversation, once its first page is here. @param {string} id */
  thread(id) {
    return this.#threads.get(id) ?? null;
  }

  /** From here on what happens is kept for messages that are about to be loaded. @param {string} id */
  expectThread(id) {
    const coming = new Messages(this.me.id, (message) => this.onUnknown(message));
    this.#coming.set(id, coming);
    return coming;
  }

  /** Shows them in place of what was held, unless others are expected by now. @param {string} id
   * @param {Messages} coming @param {Page} page @returns {Verdict} */
  putThread(id, coming, page) {
    if (this.#coming.get(id) !== coming) return "dropped";
    this.#coming.delete(id);
    const verdict = coming.begin(page);
    this.#threads.delete(id);
    this.#threads.set(id, coming);
    const old = [...this.#threads.keys()].slice(0, -THREADS_MOST);
    for (const each of old) if (each !== this.openId) this.#threads.delete(each);
    this.changed();
    const behind = (coming.version ?? 0) < (this.conversations.get(id)?.version ?? 0);
    return behind ? "gap" : verdict;
  }

  /** What is held is what is wanted, whatever was about to be loaded in its place. @param {string} id */
  keepThread(id) {
    this.#coming.delete(id);
  }

  /** They could not be loaded. @param {string} id @param {Messages} coming */
  giveUpThread(id, coming) {
    if (this.#coming.get(id) === coming) this.#coming.delete(id);
  }

  /** Nothing that is held of it counts any more, not even its version; it stays in its place of the list until it has
   * been loaded anew. @param {string} id */
  forget(id) {
    const held = this.conversations.get(id);
    this.#counts.delete(id);
    this.dropThread(id);
    if (held) this.#set({ ...held, version: 0, lastReadSeq: 0 });
  }

  /** @param {string} id */
  dropThread(id) {
    this.#threads.delete(id);
    this.#coming.delete(id);
    this.changed();
  }

  /** The version from which on changes are to be asked for. @param {string} id */
  cursor(id) {
    const held = [this.conversations.get(id)?.version ?? 0, this.thread(id)?.version ?? Infinity];
    return Math.min(...held);
  }

  /** An answer with one message as it is now, whose neighbours may still be on their way: versions stay.
   * @param {Message} message */
  putMessage(message) {
    for (const thread of this.#threadsOf(message.conversationId)) if (thread.version !== null) thread.put(message);
    this.changed();
  }

  /** @param {string} id */
  #threadsOf(id) {
    return [this.#threads.get(id), this.#coming.get(id)].filter((thread) => thread !== undefined);
  }

  // Events

  /** A durable event. @param {Frame} frame @returns {Verdict} */
  receive(frame) {
    const { conversationId = "" } = frame;
    const [summary, recount] = this.#applyToSummary(frame);
    const threads = this.#threadsOf(conversationId).map((thread) => thread.receive(frame));
    const verdicts = [summary, ...threads];
    if (verdicts.includes("applied")) this.changed();
    if (recount) this.#recount(conversationId);
    return verdicts.includes("gap") ? "gap" : summary;
  }

  /** And whether the unread messages are to be counted anew. @param {Frame} frame @returns {[Verdict, boolean]} */
  #applyToSummary(frame) {
    const { data, conversationId = "", prev = 0, version = 0 } = frame;
    const conversation = this.conversations.get(conversationId);
    if (!conversation) return ["gap", false];
    const verdict = judge(conversation.version, prev, version);
    if (verdict !== "applied") return [verdict, false];
    this.#set({ ...conversation, ...this.#told(conversation, frame), version });
    if (data.deletedAt) return [verdict, data.seq > conversation.lastReadSeq && conversation.unreadCount > 0];
    // What a server has read from its database comes by version: a message that was changed, behind those after it.
    const late = frame.event === "message:new" && data.seq <= conversation.lastSeq;
    return [verdict, late && this.#countsAsUnread(conversation, data)];
  }

  /** What an event changes of a conversation. @param {Conversation} held @param {Frame} frame
   * @returns {Partial<Conversation>} */
  #told(held, { event, data }) {
    switch (event) {
      case "message:new":
        return { ...lastOf(held, data), ...(data.seq > held.lastSeq && this.#newestLine(held, data)) };
      case "message:updated":
        return lastOf(held, data);
      case "group:updated":
        return { group: { ...held.group, ...data } };
      case "group:member_added":
        return counted(held, held.participantCount + 1);
      case "group:member_removed": {
        const participants = held.participants.filter(({ user }) => user.id !== data.userId);
        return { ...counted(held, held.participantCount - 1), participants };
      }
      case "group:member_updated": {
        const change = (/** @type {import("./types.js").Participant} */ each) =>
          each.user.id === data.userId ? { ...each, role: data.role } : each;
        const own = data.userId === this.me.id && held.group ? { group: { ...held.group, myRole: data.role } } : {};
        return { ...own, participants: held.participants.map(change) };
      }
      default:
        return {};
    }
  }

  /** @param {Conversation} held @param {Message} message */
  #newestLine(held, message) {
    const line = { lastSeq: message.seq, updatedAt: message.createdAt };
    if (!this.#countsAsUnread(held, message)) return line;
    this.#counts.get(held.id)?.counted.push(message.seq);
    return { ...line, unreadCount: Math.min(UNREAD_COUNTED_TO, held.unreadCount + 1) };
  }

  /** @param {Conversation} held @param {Message} message */
  #countsAsUnread({ lastReadSeq }, message) {
    const ordinary = message.type !== "SYSTEM" && !message.deletedAt && !message.hidden;
    return ordinary && message.senderId !== this.me.id && message.seq > lastReadSeq;
  }

  // Reading

  /**
   * Someone's pointer moved, perhaps one's own in another window.
   * @param {string} id @param {string} userId @param {number} seq
   * @param {number} [unreadCount] what was left at the server, which may have known of more or of less than is held
   */
  moveReader(id, userId, seq, unreadCount) {
    const held = this.conversations.get(id);
    if (!held) return;
    const participants = withReads(held.participants, { [userId]: seq });
    if (userId !== this.me.id || seq < held.lastReadSeq) return this.#set({ ...held, participants });
    this.#set({ ...held, participants, lastReadSeq: seq, unreadCount: unreadCount ?? held.unreadCount });
    if (seq > held.lastReadSeq || unreadCount !== undefined) this.#recount(id);
  }
}

/** @param {Conversation} conversation */
function activity(conversation) {
  return conversation.lastMessage?.createdAt ?? conversation.createdAt;
}

/** @param {Conversation} held @param {number} count */
function counted({ group }, count) {
  return { participantCount: count, group: group && { ...group, memberCount: count } };
}

/** @param {Conversation} held @param {Message} message */
function lastOf({ lastMessage }, message) {
  return { lastMessage: newestOf(lastMessage, [message]) };
}

/** @param {Message | null} held @param {Message[]} changes */
function newestOf(held, changes) {
  const newer = (/** @type {Message} */ one, /** @type {Message} */ other) =>
    one.seq === other.seq ? one.version > other.version : one.seq > other.seq;
  return changes.reduce((newest, each) => (!newest || newer(each, newest) ? each : newest), held);
}

/** Pointers only move forward. @param {import("./types.js").Participant[]} participants
 * @param {Record<string, number>} [reads] by person */
function withReads(participants, reads = {}) {
  return participants.map((each) => {
    const seq = reads[each.user.id] ?? 0;
    return seq > (each.lastReadSeq ?? 0) ? { ...each, lastReadSeq: seq } : each;
  });
}
