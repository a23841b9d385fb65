/**
 * Proves that what the web client's core holds stays true. Messages are written, edited, deleted, reacted to and read,
 * here and on another device; conversations are gained and lost, opened at their end and in their middle, scrolled and
 * left; events, answers and whole connections are lost, and what is not lost arrives in any order that the wire allows.
 * Once all is quiet the client must hold exactly what the server has: every line of its list, unread counts included,
 * and of every thread that it holds an unbroken run of messages, with one's own reactions.
 *
 * The client is the real ChatClient over a WebSocket and a fetch() of this file's; the server behind them is a model of
 * the real one. Nothing waits for a clock: what is under way lies in one heap, and dice pick what comes next. The dice
 * come from a seed, so that a failure can be had again: it prints its seed and the last steps, and ends with exit
 * code 1.
 *
 *   node tests/clients/store_fuzz.mjs [--seeds 300] [--first 1] [--core <folder of the core's modules>]
 */

import { parseArgs } from "node:util";

import { core, CORE } from "./core_copy.mjs";

const ME = { id: "me", name: "Me", image: null, role: "CUSTOMER" };
const OTHER = { id: "other", name: "Other", image: null, role: "FARMER" };
const EMOJI = ["🥕", "🍞"];
// Groups are gained and lost, direct conversations gained alone: the first two from the beginning, the third some day.
const CONVERSATIONS = { beans: "DIRECT", rye: "DIRECT", honey: "DIRECT", valley: "GROUP", market: "GROUP" };

const MOST_STEPS = 150; // of each part of a world's life
const MOST_STEPS_TO_REST = 20_000;
const STEPS_TOLD = 80;
const LOST = 0.1; // of events and answers, on bad days
const NEVER = 20_000; // milliseconds: alarms for what does not happen here, as a connection that falls silent

// As on the real server and in the real client, but so small that a few messages already take several.
const PAGE = 4;
const LIST_PAGE = 2;
const CHANGES_PAGE = 3;
const BEHIND_MOST = 14;
const NEW_MOST = 1;
const CROWD = 60; // members of groups: too many to be told by name
const SMALLER = {
  "messages.js": { MOST: 9, KEPT: 6 },
  "store.js": { THREADS_MOST: 2 },
  "catch_up.js": { CURSORS_MOST: 3 },
};

/** Chance that can be had again (mulberry32). */
class Dice {
  #state;

  constructor(seed) {
    this.#state = seed;
  }

  /** From 0 up to, but never, 1. */
  roll() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability) {
    return this.roll() < probability;
  }

  oneOf(list) {
    return list[Math.floor(this.roll() * list.length)];
  }

  /** One of [weight, value]. */
  weighted(pairs) {
    let left = this.roll() * pairs.reduce((sum, [weight]) => sum + weight, 0);
    return pairs.find(([weight]) => (left -= weight) < 0)[1];
  }
}

/** All that was asked, answered or sent and has not come yet. It comes when the dice say so, in no order. */
class UnderWay {
  #waiting = [];
  #bent;

  constructor(dice) {
    this.dice = dice;
    this.#bent = dice.oneOf([0.2, 1, 2]); // in one world what is old lingers, in another it comes early
  }

  get isEmpty() {
    return this.#waiting.length === 0;
  }

  /** @param {string} what @param {() => void} come @returns what drop() takes */
  add(what, come) {
    const one = { what, come };
    this.#waiting.push(one);
    return one;
  }

  drop(one) {
    const at = this.#waiting.indexOf(one);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  /** Resolves when this one's turn has come. */
  turn(what) {
    return new Promise((come) => this.add(what, come));
  }

  /** Lets one of them come, and says which. */
  next() {
    const at = Math.floor(this.dice.roll() ** this.#bent * this.#waiting.length);
    const [one] = this.#waiting.splice(at, 1);
    one.come();
    return one.what;
  }
}

/** What the real server keeps. A change returns the events that tell of it. */
class Server {
  #now = 0;
  #conversations = new Map();

  constructor() {
    for (const [id, type] of Object.entries(CONVERSATIONS)) {
      const card = type === "GROUP" ? { name: id, memberCount: CROWD } : null;
      const createdAt = this.#tick();
      const own = { member: false, lastReadSeq: 0, gainedAt: createdAt };
      this.#conversations.set(id, { id, type, card, version: 0, metaVersion: 0, messages: [], createdAt, ...own });
    }
  }

  of(id) {
    return this.#conversations.get(id);
  }

  messages(id) {
    return this.of(id).messages;
  }

  get mine() {
    return [...this.#conversations.values()].filter(({ member }) => member);
  }

  get now() {
    return moment(this.#now);
  }

  // Changes

  write(id, sender, clientId = null) {
    const message = this.#write(id, { sender, senderId: sender.id, type: "TEXT", content: "said", clientId });
    return [this.#event("message:new", id, message)];
  }

  /** The same again stores nothing. */
  send(id, clientId) {
    const stored = this.messages(id).find((message) => message.clientId === clientId);
    return stored ? { message: stored, events: [] } : this.#sent(id, this.write(id, ME, clientId));
  }

  #sent(id, events) {
    return { message: this.messages(id).at(-1), events };
  }

  edit(id, message) {
    message.content += "!";
    return this.#revised(id, message);
  }

  delete(id, message) {
    Object.assign(message, { content: "", deletedAt: this.#tick(), reactions: new Map() });
    return this.#revised(id, message);
  }

  react(id, message, who, emoji) {
    const people = message.reactions.get(emoji) ?? new Set();
    const removed = people.has(who.id);
    people[removed ? "delete" : "add"](who.id);
    message.reactions[people.size > 0 ? "set" : "delete"](emoji, people);
    return this.#revised(id, message, { actorId: who.id, reaction: { emoji, removed } });
  }

  rename(id) {
    const { card } = this.of(id);
    card.name += "+";
    return this.#changedGroup(id, "group:updated", { ...card }, "group_renamed");
  }

  /** Somebody else. */
  moveMember(id, joins) {
    this.of(id).card.memberCount += joins ? 1 : -1;
    const [event, kind] = joins ? ["group:member_added", "member_joined"] : ["group:member_removed", "member_left"];
    return this.#changedGroup(id, event, { userId: "crowd" }, kind);
  }

  gain(id) {
    const conversation = this.of(id);
    const { card, messages } = conversation;
    let events = [];
    if (card) {
      card.memberCount += 1;
      events = this.#changedGroup(id, "group:member_added", { userId: ME.id }, "member_joined");
    }
    Object.assign(conversation, { member: true, gainedAt: this.#tick(), lastReadSeq: messages.length });
    if (!card) conversation.createdAt = conversation.gainedAt;
    return events;
  }

  lose(id) {
    this.of(id).member = false;
    this.of(id).card.memberCount -= 1;
    this.#changedGroup(id, "group:member_removed", { userId: ME.id }, "member_removed");
  }

  /** @returns {boolean} whether the pointer moved */
  read(id, seq) {
    const conversation = this.of(id);
    const moves = seq > conversation.lastReadSeq;
    if (moves) conversation.lastReadSeq = seq;
    return moves;
  }

  #write(id, fields) {
    const seq = this.messages(id).length + 1;
    const place = { id: `${id}-${seq}`, conversationId: id, seq, version: 0, system: null };
    const message = { ...place, ...fields, reactions: new Map(), createdAt: this.#tick(), deletedAt: null };
    this.messages(id).push(message);
    return message;
  }

  #revised(id, message, told = {}) {
    const event = this.#event("message:updated", id, message);
    return [{ ...event, data: { ...event.data, ...told } }];
  }

  #changedGroup(id, event, data, kind) {
    const version = this.#bump(id);
    this.of(id).metaVersion = version;
    const first = { event, data, conversationId: id, prev: version - 1, version };
    const spoken = { sender: OTHER, senderId: OTHER.id, type: "SYSTEM", content: kind, clientId: null };
    const message = this.#write(id, { ...spoken, system: { kind, userIds: [] } });
    const second = this.#event("message:new", id, message);
    this.of(id).metaVersion = second.version;
    message.told = { event, data };
    return [first, second];
  }

  #event(event, id, message) {
    message.version = this.#bump(id);
    return { event, data: told(message), conversationId: id, prev: message.version - 1, version: message.version };
  }

  #bump(id) {
    this.of(id).version += 1;
    return this.of(id).version;
  }

  #tick() {
    this.#now += 1;
    return moment(this.#now);
  }

  /** What the database says to who has heard up to this version and seq: each message once, as it is now. */
  eventsAfter(id, version, seq) {
    const changed = this.messages(id).filter((message) => message.version > version);
    changed.sort((a, b) => a.version - b.version);
    const events = [];
    let prev = version;
    const add = (event, data, to) => {
      if (to > prev) events.push({ event, data, conversationId: id, prev, version: to });
      prev = Math.max(prev, to);
    };
    for (const message of changed) {
      if (message.system) add(message.told.event, message.told.data, message.version - 1);
      add(message.seq > seq ? "message:new" : "message:updated", told(message), message.version);
    }
    return events;
  }

  // Answers. Heads are read first: what is written between them and the rest shows in the rest alone.

  head(id) {
    const conversation = this.of(id);
    const { type, card, createdAt, version, lastReadSeq, messages, metaVersion, gainedAt } = conversation;
    const updatedAt = messages.at(-1)?.createdAt ?? createdAt;
    const group = card && { ...card };
    const base = { id, type, participants: [], participantCount: card?.memberCount ?? 2, group, createdAt, updatedAt };
    return { ...base, version, firstSeq: 1, lastSeq: messages.length, lastReadSeq, metaVersion, gainedAt };
  }

  /** Counted is what the head knows of, from where one has read by now. */
  unread({ id, lastSeq }) {
    const { lastReadSeq, messages } = this.of(id);
    const counted = messages.slice(0, lastSeq).filter(({ seq }) => seq > lastReadSeq);
    const ordinary = counted.filter(({ type, deletedAt }) => type === "TEXT" && !deletedAt);
    return ordinary.filter(({ senderId }) => senderId !== ME.id).length;
  }

  line({ metaVersion, gainedAt, ...head }) {
    const last = this.messages(head.id)[head.lastSeq - 1];
    return { ...head, lastMessage: last ? answered(last) : null, unreadCount: this.unread(head) };
  }

  page({ id, version, lastSeq }, { before = Infinity, after, around, limit }) {
    const all = this.messages(id);
    let shown;
    if (around !== undefined) {
      const behind = all.slice(around - 1).slice(0, Math.ceil(limit / 2));
      shown = [...all.slice(0, around - 1).slice(-(limit - behind.length)), ...behind];
    } else if (after !== undefined) shown = all.filter(({ seq }) => seq > after).slice(0, limit);
    else shown = all.filter(({ seq }) => seq < before).slice(-limit);
    const nowhere = after !== undefined ? [after + 1, after] : before < Infinity ? [before, before - 1] : [0, lastSeq];
    const [first, last] = shown.length > 0 ? [shown[0].seq, shown.at(-1).seq] : nowhere;
    return { messages: shown.map(answered), version, hasOlder: first > 1, hasNewer: last < lastSeq };
  }

  /** The list from a cursor on, newest activity first. */
  list(cursor) {
    const order = ({ updatedAt, id }) => `${updatedAt} ${id}`;
    const heads = this.mine.map(({ id }) => this.head(id)).sort((a, b) => (order(a) < order(b) ? 1 : -1));
    const left = heads.filter((head) => !cursor || order(head) < cursor);
    const page = left.slice(0, LIST_PAGE);
    return { heads: page, next: left.length > LIST_PAGE ? order(page.at(-1)) : null };
  }

  syncHeads({ cursors, since }) {
    const now = this.now;
    const ids = Object.keys(cursors);
    const held = ids.filter((id) => this.of(id)?.member).map((id) => this.head(id));
    const reset = held.filter(({ id, version }) => version < cursors[id][0] || version - cursors[id][0] > BEHIND_MOST);
    const behind = held.filter((head) => head.version > cursors[head.id][0] && !reset.includes(head));
    behind.sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1));
    const differ = held.filter(
      (head) => !reset.includes(head) && (behind.includes(head) || head.lastReadSeq !== cursors[head.id][1]),
    );
    const others = since ? this.mine.filter(({ id }) => !ids.includes(id)).map(({ id }) => this.head(id)) : [];
    const gained = others.filter(({ gainedAt }) => gainedAt > since);
    const shown = gained.slice(0, NEW_MOST);
    const active = others.filter((head) => !shown.includes(head) && head.updatedAt > since);
    const listStale = gained.length > NEW_MOST || active.length > 0;
    const gone = ids.filter((id) => !this.of(id)?.member);
    return { now, cursors, behind, differ, gone, reset, shown, listStale };
  }

  syncRest({ now, cursors, behind, differ, gone, reset, shown, listStale }) {
    const found = behind.flatMap(({ id, version }) =>
      this.messages(id)
        .filter((message) => message.version > cursors[id][0] && message.version <= version)
        .sort((a, b) => a.version - b.version),
    );
    const changes = {};
    for (const message of found.slice(0, CHANGES_PAGE)) {
      (changes[message.conversationId] ??= []).push(answered(message));
    }
    const cut = found[CHANGES_PAGE]?.conversationId;
    const ids = behind.map(({ id }) => id);
    const heads = differ.map((head) => {
      const { version, firstSeq, lastSeq, lastReadSeq } = head;
      return [head.id, { version, firstSeq, lastSeq, lastReadSeq, unreadCount: this.unread(head) }];
    });
    return {
      epoch: "one",
      serverTime: now,
      heads: Object.fromEntries(heads),
      changes,
      conversations: behind.filter((head) => head.metaVersion > cursors[head.id][0]).map((head) => this.line(head)),
      more: cut ? ids.slice(ids.indexOf(cut)) : [],
      gone,
      reset: reset.map(({ id }) => id),
      new: shown.map((head) => this.line(head)),
      listStale,
    };
  }
}

/** Times that sort, as the wire's do. */
function moment(number) {
  return new Date(Date.UTC(2026, 4, 1) + number * 1000).toISOString();
}

/** As events tell it: whose reactions they are is nobody else's business. */
function told({ reactions, told: _, ...message }) {
  return { ...message, reactions: [...reactions].map(([emoji, people]) => ({ emoji, count: people.size })) };
}

function answered(message) {
  const { reactions, ...rest } = told(message);
  const mine = ({ emoji }) => message.reactions.get(emoji).has(ME.id);
  return { ...rest, reactions: reactions.map((each) => ({ ...each, mine: mine(each) })) };
}

class Refusal extends Error {
  constructor(code, { retryable = false, status = 404 } = {}) {
    super(code);
    this.status = status;
    this.error = { code, message: code, retryable };
  }
}

/** A server, a client, and between them a network that obeys the dice. */
class World {
  steps = [];
  #lossy = false;
  #connection = null; // the living one

  constructor(seed, modules) {
    this.dice = new Dice(seed);
    this.underWay = new UnderWay(this.dice);
    this.server = new Server();
    this.modules = modules;
  }

  async live() {
    this.server.gain("beans");
    this.server.gain("rye");
    for (let left = this.dice.roll() * 12; left > 0; left -= 1) this.server.write("beans", OTHER);
    this.#load();
    await this.#badDays();
    await this.#rest();
    await this.#scrollTheList();
    this.#proveWhatIsHeld();
    await this.#badDays();
    await this.#happen(this.#moves);
    await this.#rest();
    await this.#scrollTheList();
    this.#proveWhatIsHeld();
    await this.#scrollThrough("older");
    this.#proveWhatIsHeld();
    await this.#scrollThrough("newer");
    this.#proveWhatIsHeld();
    this.chat.stop();
  }

  async #badDays() {
    this.#lossy = true;
    await this.#happen([...this.#moves, ...this.#misfortunes]);
    this.#lossy = false;
    this.steps.push("nothing is lost from here on");
    if (this.dice.chance(0.5)) this.#lose("to begin anew");
  }

  async #happen(moves) {
    for (let left = this.dice.roll() * MOST_STEPS; left > 0; left -= 1) {
      await this.dice.weighted(moves)();
      await consequences();
    }
  }

  /** Until nothing is under way, nor missed. */
  async #rest() {
    await consequences();
    for (let step = 0; !this.underWay.isEmpty || this.#repair(); step += 1) {
      if (step === MOST_STEPS_TO_REST) throw new Error("The client never comes to rest");
      this.#arrive();
      await consequences();
    }
  }

  // What may happen, and how often

  #moves = [
    [60, () => this.#arrive()],
    [20, () => this.#write()],
    [7, () => this.#revise((id, message) => this.server.edit(id, message))],
    [3, () => this.#revise((id, message) => this.server.delete(id, message))],
    [5, () => this.#revise((id, message) => this.server.react(id, message, this.#somebody(), this.dice.oneOf(EMOJI)))],
    [2, () => this.#inGroup((id) => this.#tell(this.server.rename(id)))],
    [2, () => this.#inGroup((id) => this.#tell(this.server.moveMember(id, this.dice.chance(0.7))))],
    [1.5, () => this.#gain()],
    [1, () => this.#loseOne()],
    [3, () => this.#readElsewhere()],
    [2, () => this.#repair()],
    [5, () => this.#see()],
    [3, () => this.#say()],
    [2, () => this.#change()],
    [4, () => this.#scroll("older")],
    [4, () => this.#scroll("newer")],
    [3, () => this.#open(this.#someConversation())],
    [2, () => this.#jump()],
    [0.5, () => this.#close()],
    [1, () => this.#scrollList()],
    [0.3, () => this.#load()],
  ];

  #misfortunes = [
    [3, () => this.#lose("the connection")],
    [0.1, () => this.#flood()],
  ];

  #someConversation() {
    return this.dice.oneOf(this.server.mine).id;
  }

  #somebody() {
    return this.dice.oneOf([ME, OTHER]);
  }

  #arrive() {
    if (!this.underWay.isEmpty) this.steps.push(this.underWay.next());
  }

  #write() {
    this.#tell(this.server.write(this.#someConversation(), this.dice.chance(0.2) ? ME : OTHER));
  }

  #revise(change) {
    const id = this.#someConversation();
    const message = this.dice.oneOf(this.server.messages(id));
    if (message && !message.system && !message.deletedAt) this.#tell(change(id, message));
  }

  #inGroup(change) {
    const groups = this.server.mine.filter(({ card }) => card);
    if (groups.length > 0) change(this.dice.oneOf(groups).id);
  }

  #gain() {
    const id = this.dice.oneOf(Object.keys(CONVERSATIONS).filter((each) => !this.server.of(each).member));
    if (!id) return;
    this.steps.push(`${id} is gained`);
    const events = this.server.gain(id);
    const { lastMessage, ...line } = this.server.line(this.server.head(id));
    const shape = { ...line, lastMessage: lastMessage && told(this.server.messages(id).at(-1)) };
    this.#connection?.gained(shape, events);
  }

  #loseOne() {
    this.#inGroup((id) => {
      this.steps.push(`${id} is lost`);
      this.server.lose(id);
      this.#connection?.lost(id);
    });
  }

  #readElsewhere() {
    const id = this.#someConversation();
    const message = this.dice.oneOf(this.server.messages(id));
    if (!message || !this.server.read(id, message.seq)) return;
    this.steps.push(`${message.id} is read on another device`);
    this.#connection?.say(this.#readEvent(id, message));
  }

  #readEvent(id, { id: messageId, seq }) {
    const unreadCount = this.server.unread(this.server.head(id));
    const data = { conversationId: id, messageId, userId: ME.id, lastReadSeq: seq, unreadCount };
    return { event: "message:read", data };
  }

  #flood() {
    const id = this.#someConversation();
    this.steps.push(`${BEHIND_MOST + 1} messages are written in ${id}, and all their events are lost`);
    for (let count = 0; count <= BEHIND_MOST; count += 1) this.server.write(id, OTHER);
  }

  // What people do here

  #see() {
    const { open } = this.chat.store;
    const message = open && this.dice.oneOf(this.chat.store.thread(open.id)?.list ?? []);
    if (!message) return;
    this.steps.push(`sees ${message.id}`);
    this.chat.receipts.saw(message);
  }

  #say() {
    const id = this.chat.store.openId;
    if (!id || !this.chat.store.conversations.has(id)) return;
    this.steps.push(`writes in ${id}`);
    this.chat.send(id, { content: "said" });
  }

  #change() {
    const { open } = this.chat.store;
    const message = open && this.dice.oneOf(this.chat.store.thread(open.id)?.list ?? []);
    if (!message || message.deletedAt || message.type === "SYSTEM") return;
    const emoji = this.dice.oneOf(EMOJI);
    const mine = message.senderId === ME.id ? ["edit", "delete"] : [];
    const what = this.dice.oneOf([...mine, "react"]);
    this.steps.push(`${what}s ${message.id}`);
    this.#attempt(what === "react" ? this.chat.react(message.id, emoji) : this.chat[what](message.id, "said!"));
  }

  #scroll(direction) {
    const id = this.chat.store.openId;
    this.steps.push(`scrolls to what is ${direction}`);
    if (id) this.#attempt(this.chat.history[direction](id));
  }

  #open(id) {
    this.steps.push(`opens ${id}`);
    this.#attempt(this.chat.open(id));
  }

  #jump() {
    const id = this.#someConversation();
    const seq = 1 + Math.floor(this.dice.roll() * this.server.messages(id).length);
    this.steps.push(`opens ${id} at ${seq}`);
    this.#attempt(this.chat.open(id, seq));
  }

  #close() {
    this.steps.push("closes the conversation");
    this.chat.close();
  }

  #scrollList() {
    this.steps.push("scrolls the list");
    this.#attempt(this.chat.inbox.more());
  }

  #attempt(work) {
    work.catch((error) => {
      if (!(error instanceof this.modules.ChatError)) throw error;
    });
  }

  /** The page is loaded, again or for the first time. */
  #load() {
    this.steps.push("loads the page");
    this.chat?.stop();
    this.#connection = null;
    const world = this;
    globalThis.fetch = (address, options) => world.#fetch(chat, new URL(address), options);
    class WebSocket {
      constructor() {
        void world.underWay.turn("a connection opens").then(() => world.#connect(this));
      }

      send(text) {
        this.connection?.heard(JSON.parse(text));
      }

      close() {
        this.closed = true;
        this.connection?.end();
        if (world.#connection?.socket === this) world.#connection = null;
      }
    }
    const credentials = { ticket: async () => "ticket", headers: async () => ({}) };
    const chat = new this.modules.ChatClient({ me: ME, baseUrl: "http://chat.test", WebSocket, ...credentials });
    this.chat = chat;
    chat.start();
    if (this.dice.chance(0.8)) this.#open("beans");
  }

  // The network

  #connect(socket) {
    if (socket.closed) return;
    this.steps.push("is connected");
    this.#connection = new Connection(this, socket);
    socket.connection = this.#connection;
    this.#connection.say({ event: "welcome", data: { user: ME, epoch: "one", serverTime: this.server.now } });
  }

  #lose(what) {
    if (!this.#connection) return;
    this.steps.push(`loses ${what}`);
    const { socket } = this.#connection;
    this.#connection.end();
    this.#connection = null;
    socket.onclose({ code: 1006 });
  }

  /** The server reads from its database what it was not told. @returns {boolean} whether there was anything */
  #repair() {
    return this.#connection?.repair() ?? false;
  }

  #tell(events) {
    const lost = this.#lossy && this.dice.chance(LOST);
    for (const event of events) this.steps.push(`${named(event)} is stored${lost ? ", its event lost" : ""}`);
    if (!lost) this.#connection?.changed(events);
  }

  /** A command of the client's, at the server. */
  async command({ event, data }, connection) {
    const { server } = this;
    switch (event) {
      case "sync": {
        const heads = server.syncHeads(data);
        await this.underWay.turn("the heads of a sync were read, the changes are");
        return server.syncRest(heads);
      }
      case "message:send": {
        this.#mustBeIn(data.conversationId);
        const { message, events } = server.send(data.conversationId, data.clientId);
        this.#tell(events);
        return { message: answered(message), duplicate: events.length === 0 };
      }
      case "message:read": {
        const { conversationId: id, messageId } = data;
        this.#mustBeIn(id);
        const message = this.#message(messageId);
        const moved = server.read(id, message.seq);
        if (moved && connection !== this.#connection) this.#connection?.say(this.#readEvent(id, message));
        const left = server.unread(server.head(id));
        return { conversationId: id, lastReadSeq: server.of(id).lastReadSeq, unreadCount: left };
      }
      case "presence:check":
        return data.map((userId) => ({ userId, online: true }));
      default:
        return { message: answered(this.#changedByMe(event, data)) };
    }
  }

  #changedByMe(event, { messageId, content, emoji, remove }) {
    const { server } = this;
    const message = this.#message(messageId);
    const id = message.conversationId;
    if (message.deletedAt && event !== "message:delete") throw new Refusal("forbidden");
    if (event === "message:edit" && message.content !== content) {
      message.content = content.slice(0, -1);
      this.#tell(server.edit(id, message));
    }
    if (event === "message:delete" && !message.deletedAt) this.#tell(server.delete(id, message));
    const reacted = message.reactions.get(emoji)?.has(ME.id) ?? false;
    if (event === "message:react" && reacted === remove) this.#tell(server.react(id, message, ME, emoji));
    return message;
  }

  #mustBeIn(id) {
    if (!this.server.of(id)?.member) throw new Refusal("not_found");
  }

  #message(messageId) {
    const message = this.server.mine.flatMap(({ messages }) => messages).find(({ id }) => id === messageId);
    if (!message) throw new Refusal("not_found");
    return message;
  }

  async #fetch(chat, { pathname, searchParams }) {
    const what = `${pathname} ${searchParams}`.trimEnd();
    await this.underWay.turn(`the question for ${what} comes`);
    let [status, body, date] = [200, null, this.server.now];
    try {
      body = await this.#answer(pathname.replace("/api/", "").split("/"), searchParams, what);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      [status, body] = [error.status, { error: error.error }];
    }
    await this.underWay.turn(`the answer with ${what} comes`);
    if (this.#lossy && this.dice.chance(LOST)) {
      this.steps.push("… or would have come: it is lost");
      throw new TypeError("fetch failed");
    }
    const headers = new Headers({ Date: new Date(date).toUTCString() });
    return { ok: status === 200, status, headers, json: async () => structuredClone(body) };
  }

  /** REST, as far as the core uses it. */
  async #answer([what, id, part], search, named) {
    const { server } = this;
    const between = () => this.underWay.turn(`the head of ${named} was read, the rest is`);
    if (what === "held" || what === "blocks") return { results: [], next: null };
    if (what === "messages") return answered(this.#message(id));
    if (!id) {
      const { heads, next } = server.list(search.get("cursor"));
      await between();
      return { results: heads.map((head) => server.line(head)), next };
    }
    this.#mustBeIn(id);
    const head = server.head(id);
    await between();
    if (part !== "messages") return server.line(head);
    const place = Object.fromEntries([...search].map(([name, value]) => [name, Number(value)]));
    return server.page(head, { ...place, limit: PAGE });
  }

  // What is proved

  /** To its end. */
  async #scrollTheList() {
    while (this.chat.inbox.hasMore) {
      this.#scrollList();
      await this.#rest();
    }
  }

  async #scrollThrough(direction) {
    const { store } = this.chat;
    const id = store.openId;
    const more = direction === "older" ? "hasOlder" : "hasNewer";
    const end = direction === "older" ? "oldestSeq" : "newestSeq";
    while (id && store.thread(id)?.[more]) {
      const before = store.thread(id)[end];
      this.#scroll(direction);
      await this.#rest();
      if (store.thread(id)[end] === before) throw new Error(`Scrolling brings nothing ${direction}`);
    }
  }

  #proveWhatIsHeld() {
    const { server } = this;
    const { store, outbox } = this.chat;
    same("The conversations", [...store.conversations.keys()].sort(), server.mine.map(({ id }) => id).sort());
    for (const { id } of server.mine) {
      const line = server.line(server.head(id));
      same(`${id}'s line`, [shown(store.conversations.get(id))], [shown(line)]);
      const thread = store.thread(id);
      if (thread) this.#proveThread(id, thread, line);
    }
    const unsent = outbox.letters.filter(({ state }) => state === "pending");
    if (unsent.length > 0) throw new Error(`${unsent.length} of one's own were never sent`);
    if (store.open && !store.thread(store.openId)) throw new Error(`The messages of ${store.openId} are not held`);
  }

  #proveThread(id, thread, { version, lastSeq }) {
    same(`The version of ${id}'s messages`, [thread.version], [version]);
    const all = this.server.messages(id);
    const run = all.filter(({ seq }) => seq >= thread.oldestSeq && seq <= thread.newestSeq).map(answered);
    same(`${id}'s messages`, thread.list.map(plain), run.map(plain));
    if (thread.list.length === 0 && lastSeq > 0) throw new Error(`${id} is held without its messages`);
    same(`Whether ${id} has older and newer ones`, [thread.hasOlder, thread.hasNewer], [
      thread.list.length > 0 && thread.oldestSeq > 1,
      thread.newestSeq < lastSeq,
    ]);
  }
}

/** One connection, at the server: what goes to the client in order, events and replies each among themselves. */
class Connection {
  #lanes = { event: [], reply: [] };
  #commands = [];
  #working = false;
  #over = false;
  /** By conversation, what this connection has been told. */
  #told = new Map();

  constructor(world, socket) {
    this.world = world;
    this.socket = socket;
    for (const { id, version, messages } of world.server.mine) this.#told.set(id, { version, seq: messages.length });
  }

  end() {
    this.#over = true;
  }

  say(frame) {
    this.#send("event", frame);
  }

  gained(shape, events) {
    const first = events[0]?.prev ?? shape.version;
    this.say({ event: "conversation:new", data: shape });
    this.#told.set(shape.id, { version: first, seq: shape.lastSeq - (events.length > 0 ? 1 : 0) });
    this.changed(events);
  }

  lost(id) {
    this.#told.delete(id);
    this.say({ event: "conversation:gone", data: { conversationId: id } });
  }

  /** Live events. Where some before them were missed, they are read from the database, or the client sees the gap. */
  changed(events) {
    if (events.length === 0) return;
    const { conversationId: id, prev } = events[0];
    const told = this.#told.get(id);
    if (!told) return;
    const known = prev > told.version && this.world.dice.chance(0.5);
    for (const event of known ? this.#missed(id, told) : events) this.#tell(event);
  }

  repair() {
    const missed = [...this.#told].flatMap(([id, told]) => this.#missed(id, told));
    for (const event of missed) this.#tell(event);
    return missed.length > 0;
  }

  #missed(id, { version, seq }) {
    return this.world.server.eventsAfter(id, version, seq);
  }

  #tell(frame) {
    const told = this.#told.get(frame.conversationId);
    if (frame.version <= told.version) return;
    told.version = frame.version;
    told.seq = Math.max(told.seq, frame.data.seq ?? 0);
    this.say(frame);
  }

  #send(lane, frame) {
    const waiting = this.#lanes[lane];
    waiting.push(structuredClone(frame));
    void this.world.underWay.turn(`${lane === "reply" ? "a reply" : "an event"} comes`).then(() => {
      const next = waiting.shift();
      if (this.#over) return;
      this.world.steps.push(`hears ${named(next)}`);
      this.socket.onmessage({ data: JSON.stringify(next) });
    });
  }

  /** Commands are carried out one after the other. */
  heard(command) {
    this.#commands.push(command);
    if (!this.#working) void this.#work();
  }

  async #work() {
    this.#working = true;
    for (let command = this.#commands.shift(); command; command = this.#commands.shift()) {
      await this.world.underWay.turn(`the command ${command.event} comes`);
      if (this.#over && this.world.dice.chance(0.5)) return; // it may have arrived before the connection went
      await this.#carryOut(command);
    }
    this.#working = false;
  }

  async #carryOut({ ref, ...command }) {
    const reply = { event: "reply", ref };
    try {
      Object.assign(reply, { ok: true, data: await this.world.command(command, this) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      Object.assign(reply, { ok: false, error: error.error });
    }
    if (ref && !this.#over) this.#send("reply", reply);
  }
}

/** Everything that follows from a step without anything more arriving. */
function consequences() {
  return new Promise((done) => setImmediate(done));
}

function named({ event, conversationId, prev, version, data, ok, error }) {
  if (event === "reply") return `the reply ${ok ? JSON.stringify(data).slice(0, 300) : error.code}`;
  if (!conversationId) return `${event} ${JSON.stringify(data).slice(0, 200)}`;
  return `${event} of ${data.id ?? "a group"} (${conversationId} ${prev}→${version})`;
}

/** What the list shows of a conversation. */
function shown({ id, group, participantCount, version, firstSeq, lastSeq, lastReadSeq, unreadCount, lastMessage }) {
  const line = { id, group, participantCount, version, firstSeq, lastSeq, lastReadSeq, unreadCount };
  return { ...line, lastMessage: lastMessage && { ...plain(lastMessage), reactions: undefined } };
}

function plain(message) {
  const { id, seq, version, content, type, senderId, createdAt, deletedAt, reactions } = message;
  return { id, seq, version, content, type, senderId, createdAt, deletedAt, reactions };
}

function same(what, held, truth) {
  for (let at = 0; at < Math.max(held.length, truth.length); at += 1) {
    const [ours, theirs] = [held[at], truth[at]].map((each) => JSON.stringify(each));
    if (ours !== theirs) throw new Error(`${what}:\n  the client holds ${ours}\n  the server has  ${theirs}`);
  }
}

const { values: options } = parseArgs({
  options: {
    seeds: { type: "string", default: "300" },
    first: { type: "string", default: "1" },
    core: { type: "string", default: CORE },
  },
});
globalThis.BroadcastChannel = undefined; // worlds do not hear each other
const modules = await core(["client.js"], { folder: options.core, constants: SMALLER });
let seed = Number(options.first);
let world;

function failed(error) {
  const steps = world.steps.slice(-STEPS_TOLD);
  console.error(`Seed ${seed}: ${error.stack}\n\nThe last ${steps.length} steps:\n${steps.join("\n")}`);
  process.exit(1);
}

process.on("uncaughtException", failed); // what nobody awaits fails too
console.warn = (warning) => world.steps.push(`warned: ${warning}`);
AbortSignal.timeout = () => new AbortController().signal;
globalThis.setTimeout = (wake, milliseconds = 0) =>
  milliseconds >= NEVER ? undefined : world.underWay.add("a pause ends", wake);
globalThis.clearTimeout = (timer) => world.underWay.drop(timer);

for (const end = seed + Number(options.seeds); seed < end; seed += 1) {
  world = new World(seed, modules);
  try {
    await world.live();
  } catch (error) {
    failed(error);
  }
}
console.log(`${options.seeds} seeds, and the client held what the server has after each`);
process.exit(0);
