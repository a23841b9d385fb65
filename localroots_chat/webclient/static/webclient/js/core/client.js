/**
 * The client of LocalRoots Chat, without a page: conversations, messages, sending, reading and presence, kept true over
 * a bad line. The built-in page is one user of it; another web app imports this module and draws what it likes:
 *
 *     import { ChatClient } from "https://chat.example.org/static/webclient/js/core/client.js";
 *     const chat = new ChatClient({ baseUrl: "https://chat.example.org", me, token: () => myTokenForTheChat() });
 *     chat.subscribe(() => draw(chat.store.listed));
 *     chat.start();
 *     chat.send(conversationId, { content: "Any eggs left?" });
 *
 * Nothing here needs a document. Where there is no IndexedDB, what is unsent lives as long as this object.
 */

import { Blocks } from "./blocks.js";
import { CatchUp } from "./catch_up.js";
import { Coalesced } from "./coalesced.js";
import { Connection } from "./connection.js";
import { ChatError } from "./errors.js";
import { History } from "./history.js";
import { Inbox } from "./inbox.js";
import { Outbox } from "./outbox.js";
import { Presence } from "./presence.js";
import { ReadReceipts } from "./receipts.js";
import { Rest } from "./rest.js";
import { Store } from "./store.js";
import { Tabs } from "./tabs.js";
import { TypingBoard, TypingSignal } from "./typing.js";

export { ChatError };

/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").User} User */
/** @typedef {import("./connection.js").ConnectionState} ConnectionState */

const SPREAD_SECONDS = 5; // over this a crowd's answers to "many messages changed" are spread
const SMALL_GROUP = 50; // all its members are told by name

/**
 * @typedef {object} Options
 * @property {User} me who is signed in
 * @property {string} baseUrl where the service is, as https://chat.example.org
 * @property {() => Promise<string>} [token] a token that is good now; shown to REST and to the socket
 * @property {() => Promise<string>} [ticket] in place of it for the socket: a ticket of POST /api/ws-ticket/
 * @property {() => Promise<Record<string, string>>} [headers] in place of it for REST, as a CSRF token beside a session
 * @property {typeof globalThis.WebSocket} [WebSocket] where there is none, as in node before 22
 */

export class ChatClient {
  #coalesced = new Coalesced();
  /** The first page of the list is on its way. @type {Promise<void> | null} */ #listing = null;
  #stopping = new AbortController();
  /** Conversations that are fetched to be opened. @type {Set<string>} */ #opening = new Set();
  #openWasHeld = false;

  /** @param {Options} options */
  constructor({ me, baseUrl, token, ticket, headers, WebSocket = globalThis.WebSocket }) {
    const base = baseUrl.replace(/\/$/, "");
    const request = (/** @type {string} */ event, /** @type {unknown} */ data) => this.connection.request(event, data);
    const changed = () => this.store.changed();
    this.tabs = new Tabs(`localroots-chat ${base}`);
    this.store = new Store(me);
    this.store.onUncounted = (id) => this.#askForReader(id);
    this.store.onUnknown = ({ id }) => attempt(this.#askFor(id));
    this.store.subscribe(() => this.#loadWhatIsOpen());
    this.rest = new Rest({
      baseUrl: base,
      headers: headers ?? (async () => ({ Authorization: `Bearer ${await token?.()}` })),
      onSignedOut: () => void (token || this.connection.end()),
    });
    this.connection = new Connection({
      url: `${base.replace(/^http/, "ws")}/ws/chat/`,
      WebSocket,
      ticket,
      token,
      onEvent: (frame) => this.#hear(frame),
      onState: (state) => this.#connectionBecame(state),
    });
    this.inbox = new Inbox({ rest: this.rest, store: this.store, coalesced: this.#coalesced });
    this.catchUp = new CatchUp({
      store: this.store,
      inbox: this.inbox,
      request,
      onReset: (id) => void (id === this.store.openId && attempt(this.history.newest(id))),
    });
    this.history = new History({
      rest: this.rest,
      store: this.store,
      coalesced: this.#coalesced,
      onGap: (id) => attempt(this.catchUp.of(id)),
      isThere: (id) => this.inbox.fetch(id).then(() => this.store.conversations.has(id)),
    });
    this.outbox = new Outbox({
      userId: me.id,
      deliver: (letter) => request("message:send", commandOf(letter)),
      onDelivered: (message) => this.store.putMessage(message),
      onChange: changed,
      tabs: this.tabs,
    });
    this.receipts = new ReadReceipts({ store: this.store, request });
    this.blocks = new Blocks({ rest: this.rest, coalesced: this.#coalesced, onChange: changed });
    this.presence = new Presence({ request, onChange: changed });
    this.typing = new TypingBoard(changed);
    this.typingSignal = new TypingSignal((event, id) => this.connection.send(event, { conversationId: id }));
  }

  start() {
    // As a worker has it too; node has no network to tell of.
    const { signal } = this.#stopping;
    globalThis.addEventListener?.("online", () => this.wake(), { signal });
    globalThis.addEventListener?.("offline", () => this.connection.lost(), { signal });
    attempt(this.#list());
    this.connection.start();
  }

  /** Somebody looks, or the network is back: whatever waits to try again does so now. */
  wake() {
    this.connection.comeBackNow();
    this.#coalesced.wake();
  }

  /** For good. What is unsent stays for the next time. */
  stop() {
    this.#stopping.abort();
    this.connection.end();
    this.#coalesced.stop();
    this.tabs.close();
  }

  /** @returns {ConnectionState} */
  get connectionState() {
    return this.connection.state;
  }

  /** Called once after any number of changes made in one go. @param {() => void} listener */
  subscribe(listener) {
    return this.store.subscribe(listener);
  }

  // What people do

  /** Looks at a conversation: its newest messages, or those around a place, which may be told once it is known.
   * @param {string} id @param {number | (() => number | undefined)} [place] a seq */
  async open(id, place) {
    this.store.openId = id;
    this.#openWasHeld = this.store.conversations.has(id);
    this.store.changed();
    if (!this.store.conversations.has(id)) await this.#fetchToOpen(id);
    if (!this.store.conversations.has(id)) return;
    const thread = this.store.thread(id);
    const seq = typeof place === "function" ? place() : place;
    if (seq === undefined ? thread && !thread.hasNewer : thread?.holds(seq)) this.history.keep(id);
    else await (seq === undefined ? this.history.newest(id) : this.history.around(id, seq));
  }

  /** @param {string} id */
  async #fetchToOpen(id) {
    this.#opening.add(id);
    try {
      await this.inbox.fetch(id);
    } finally {
      this.#opening.delete(id);
    }
  }

  /** What is looked at may be gained only then, or again. */
  #loadWhatIsOpen() {
    const { open } = this.store;
    const came = open && !this.#openWasHeld && !this.#opening.has(open.id);
    this.#openWasHeld = open !== null;
    if (came && !this.store.thread(open.id)) attempt(this.history.newest(open.id));
  }

  close() {
    this.store.openId = null;
    this.store.changed();
  }

  /** Said at once; it is shown as on its way until the server has it.
   * @param {string} conversationId
   * @param {{content?: string, attachments?: import("./types.js").Attachment[],
   *   replyTo?: import("./types.js").Reply | null}} message */
  send(conversationId, { content = "", attachments = [], replyTo = null }) {
    this.outbox.post({ conversationId, content, attachments, replyTo });
  }

  /** @param {string} messageId @param {string} content */
  edit(messageId, content) {
    return this.#change("message:edit", { messageId, content });
  }

  /** @param {string} messageId */
  delete(messageId) {
    return this.#change("message:delete", { messageId });
  }

  /** @param {string} messageId @param {string} emoji @param {boolean} [remove] */
  react(messageId, emoji, remove = false) {
    return this.#change("message:react", { messageId, emoji, remove });
  }

  /** @param {string} event @param {unknown} data */
  async #change(event, data) {
    const { message } = await this.connection.request(event, data);
    this.store.putMessage(message);
  }

  // What is heard

  /** @param {Frame} frame */
  #hear(frame) {
    const { event, data, conversationId } = frame;
    switch (event) {
      case "welcome":
        // Somebody else has signed in where the credentials come from: nothing of this person is said as theirs.
        if (data.user.id !== this.store.me.id) return this.connection.end();
        return attempt(this.#welcomed(data.epoch));
      case "message:new":
        this.typing.stopped(data.conversationId, data.senderId);
        return this.#heardMessage(frame);
      case "message:updated":
        return this.#heardMessage(frame);
      case "message:held":
        return this.outbox.decided(data);
      case "message:read":
        return this.store.moveReader(data.conversationId, data.userId, data.lastReadSeq, data.unreadCount);
      case "typing:user_start":
        return this.typing.started(data.conversationId, data.userId);
      case "typing:user_stop":
        return this.typing.stopped(data.conversationId, data.userId);
      case "presence:user_online":
      case "presence:user_offline":
        return this.presence.told(data.userId, event === "presence:user_online");
      case "conversation:new":
        this.store.moved(data.id);
        return this.store.putConversation(data);
      case "conversation:reset":
        return attempt(this.#reset(data.conversationId));
      case "conversation:gone":
        return this.store.removeConversation(data.conversationId);
      case "conversation:changed":
        setTimeout(() => attempt(this.catchUp.of(conversationId ?? "")), Math.random() * SPREAD_SECONDS * 1000);
        return;
      case "group:created":
        this.store.moved(data.conversation.id);
        return this.store.putConversation(data.conversation);
      case "group:updated":
      case "group:member_added":
      case "group:member_removed":
      case "group:member_updated":
        this.#receive(frame);
        return this.#membersChanged(conversationId ?? "");
    }
  }

  /** @param {Frame} frame */
  #heardMessage(frame) {
    const message = frame.data;
    if (message.senderId === this.store.me.id) this.outbox.remove(message.clientId);
    this.#receive(frame);
  }

  /** @param {Frame} frame */
  #receive(frame) {
    if (this.store.receive(frame) === "gap") attempt(this.catchUp.of(frame.conversationId ?? ""));
  }

  /** @param {string} epoch */
  async #welcomed(epoch) {
    this.inbox.connected();
    this.#coalesced.wake();
    void this.outbox.flush();
    void this.receipts.say();
    this.presence.connected();
    attempt(this.blocks.load());
    await this.#list();
    await this.catchUp.everything(epoch);
    if (this.outbox.letters.some(({ state }) => state === "held")) {
      this.outbox.askAgain(await this.rest.held());
      void this.outbox.flush();
    }
  }

  /** The first page of the list, unless it is here. Where it was refused once, the next welcome asks again. */
  async #list() {
    if (this.store.listLoaded) return;
    this.#listing ??= this.inbox.load().finally(() => (this.#listing = null));
    await this.#listing;
  }

  /** @param {string} id */
  async #reset(id) {
    attempt(this.blocks.load());
    this.store.forget(id);
    await this.inbox.fetch(id);
    if (id === this.store.openId) await this.history.newest(id);
  }

  /** The event names people by their ids alone. In a crowd, a count is all that is shown. @param {string} id */
  #membersChanged(id) {
    const held = this.store.conversations.get(id);
    if (held && held.participantCount <= SMALL_GROUP) attempt(this.inbox.fetch(id));
  }

  /** What is read here and still to be said is answered with what is left. @param {string} id */
  #askForReader(id) {
    if (this.receipts.owes(id)) return false;
    attempt(this.inbox.fetch(id));
    return true;
  }

  /** @param {string} messageId */
  async #askFor(messageId) {
    await this.#coalesced.run(`message ${messageId}`, async () => {
      this.store.putMessage(await this.rest.message(messageId));
    });
  }

  /** @param {ConnectionState} state */
  #connectionBecame(state) {
    if (state !== "online") this.presence.disconnected();
    this.store.changed();
  }
}

/** @param {import("./letters.js").Letter} letter */
function commandOf({ conversationId, content, clientId, attachments, replyTo }) {
  const attachmentIds = attachments.map(({ id }) => id);
  return { conversationId, content, clientId, attachmentIds, replyTo: replyTo?.id ?? null };
}

/** What fails here is loaded again after the next reconnect or event. @param {Promise<unknown>} work */
function attempt(work) {
  work.catch((error) => {
    if (!(error instanceof ChatError)) throw error;
    console.warn(error.message);
  });
}
