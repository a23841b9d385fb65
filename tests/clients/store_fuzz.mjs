/**
 * Proves that what the web client holds stays true. Messages are written, edited and deleted, threads are opened
 * and left, events, answers and whole connections are lost, and what is not lost arrives in any order; once all is
 * quiet the client must hold exactly what the server has: every line of its list, unread counts included, and every
 * message of the threads it holds.
 *
 * The client is the real store.js and loading.js, put together as in main.js; the server is a model of the real one.
 * Nothing waits for a clock: what is under way lies in one heap, and dice pick what comes next. The dice come from a
 * seed, so that a failure can be had again: it prints its seed and the last steps, and ends with exit code 1.
 *
 *   node tests/clients/store_fuzz.mjs [--seeds 300] [--first 1] [--modules <folder of the client's modules>]
 */

import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const CLIENT = "../../localroots_chat/webclient/static/webclient/js";

const CONVERSATIONS = ["beans", "rye", "honey"];
const ME = { id: "me", name: "Me", image: null, role: "CUSTOMER" };
const OTHER = { id: "other", name: "Other", image: null, role: "FARMER" };

const MOST_STEPS = 150; // of each part of a world's life
const MOST_STEPS_TO_REST = 20_000;
const STEPS_TOLD = 60;
const LOST = 0.1; // of events and answers, on bad days
const PAGE = 4; // so small that a few messages already take several
const FLOOD = 301; // more messages than the client catches up with page by page

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

  /** Resolves when this one's turn has come. */
  turn(what) {
    return new Promise((come) => this.#waiting.push({ what, come }));
  }

  /** Lets one of them come, and says which. */
  next() {
    const at = Math.floor(this.dice.roll() ** this.#bent * this.#waiting.length);
    const [one] = this.#waiting.splice(at, 1);
    one.come();
    return one.what;
  }
}

/** What the real server keeps and tells. A change returns the event that tells of it. */
class Server {
  #now = 0;
  #conversations = new Map(CONVERSATIONS.map((id) => [id, { version: 0, messages: [], createdAt: moment(0) }]));

  messages(id) {
    return this.#conversations.get(id).messages;
  }

  version(id) {
    return this.#conversations.get(id).version;
  }

  // Changes

  write(id, sender) {
    const seq = this.messages(id).length + 1;
    const place = { id: `${id}-${seq}`, conversationId: id, seq, version: 0, type: "TEXT" };
    const message = { ...place, content: "said", sender, senderId: sender.id, createdAt: this.#tick(), deletedAt: null };
    this.messages(id).push(message);
    return this.#changed("message:new", id, message);
  }

  edit(id, message) {
    message.content += "!";
    return this.#changed("message:updated", id, message);
  }

  delete(id, message) {
    message.content = "";
    message.deletedAt = this.#tick();
    return this.#changed("message:updated", id, message);
  }

  #changed(event, id, message) {
    const conversation = this.#conversations.get(id);
    const prev = conversation.version;
    const version = prev + 1;
    message.version = conversation.version = version;
    return { event, data: { ...message }, conversationId: id, prev, version };
  }

  #tick() {
    this.#now += 1;
    return moment(this.#now);
  }

  // Answers. The head is read first: what is written between it and the rest shows in the rest alone.

  head(id) {
    const { version, messages, createdAt } = this.#conversations.get(id);
    const people = { type: "DIRECT", participants: [], participantCount: 2, group: null };
    return { id, ...people, createdAt, version, lastSeq: messages.length, lastReadSeq: 0 };
  }

  /** Counted is what the head knows of. */
  line(head) {
    const messages = this.messages(head.id).slice(0, head.lastSeq);
    const unread = messages.filter(({ senderId, deletedAt }) => senderId !== ME.id && !deletedAt);
    const last = messages.at(-1);
    return { ...head, lastMessage: last ? { ...last } : null, unreadCount: unread.length };
  }

  page({ id, version, lastSeq }, { before = Infinity, after }) {
    const all = this.messages(id).filter(({ seq }) => seq > (after ?? 0) && seq < before);
    const shown = after === undefined ? all.slice(-PAGE) : all.slice(0, PAGE);
    const hasOlder = (shown[0]?.seq ?? 0) > 1;
    const hasNewer = (shown.at(-1)?.seq ?? lastSeq) < lastSeq;
    return { messages: shown.map((message) => ({ ...message })), version, hasOlder, hasNewer };
  }
}

/** Times that sort, as the wire's do. */
function moment(number) {
  return String(number).padStart(6, "0");
}

/** A server, a client, and between them a network that obeys the dice. */
class World {
  steps = [];
  #online = false;
  #lossy = false;
  #frames = []; // one connection's, in their order; the next connection has its own

  constructor(seed, modules) {
    this.dice = new Dice(seed);
    this.underWay = new UnderWay(this.dice);
    this.server = new Server();
    this.modules = modules;
  }

  async live() {
    this.#load();
    await this.#badDays();
    await this.#rest();
    this.#proveWhatIsHeld();
    await this.#badDays();
    await this.#happen(this.#moves);
    await this.#rest();
    this.#proveWhatIsHeld();
    await this.#scrollToTheBeginning();
    this.#proveWhatIsHeld();
  }

  async #badDays() {
    this.#lossy = true;
    await this.#happen([...this.#moves, ...this.#misfortunes]);
    this.#lossy = false;
    this.steps.push("nothing is lost from here on");
    this.#connect();
  }

  async #happen(moves) {
    for (let left = this.dice.roll() * MOST_STEPS; left > 0; left -= 1) {
      this.dice.weighted(moves)();
      await consequences();
    }
  }

  /** Until nothing is under way. */
  async #rest() {
    await consequences();
    for (let step = 0; !this.underWay.isEmpty; step += 1) {
      if (step === MOST_STEPS_TO_REST) throw new Error("The client never comes to rest");
      this.#arrive();
      await consequences();
    }
  }

  // What may happen, and how often

  #moves = [
    [50, () => this.#arrive()],
    [19, () => this.#write()],
    [9, () => this.#revise((id, message) => this.server.edit(id, message))],
    [3, () => this.#revise((id, message) => this.server.delete(id, message))],
    [2, () => this.#say()],
    [5, () => this.#scrollUp()],
    [3, () => this.#open(this.#someConversation())],
    [1, () => this.#load()],
  ];

  #misfortunes = [
    [3, () => (this.#online ? this.#disconnect() : this.#connect())],
    [0.05, () => this.#flood()],
  ];

  #someConversation() {
    return this.dice.oneOf(CONVERSATIONS);
  }

  #arrive() {
    if (!this.underWay.isEmpty) this.steps.push(this.underWay.next());
  }

  #write() {
    this.#tell(this.server.write(this.#someConversation(), this.dice.oneOf([ME, OTHER])));
  }

  #revise(change) {
    const id = this.#someConversation();
    const messages = this.server.messages(id);
    if (messages.length > 0) this.#tell(change(id, this.dice.oneOf(messages)));
  }

  /** Writes here: the answer, which is the message, and its event come in any order. */
  #say() {
    if (!this.#online) return;
    const frame = this.server.write(this.#someConversation(), ME);
    const connection = this.#frames;
    void this.underWay.turn(`the answer to one's own ${named(frame)} comes`).then(() => {
      if (connection === this.#frames) this.store.putOwn({ ...frame.data });
    });
    this.#tell(frame);
  }

  #flood() {
    const id = this.#someConversation();
    this.steps.push(`${FLOOD} messages are written in ${id}, and all their events are lost`);
    for (let count = 0; count < FLOOD; count += 1) this.server.write(id, OTHER);
  }

  #scrollUp() {
    this.steps.push("scrolls up");
    this.#attempt(this.loading.olderMessages(this.store.openId));
  }

  // The network

  #connect() {
    this.steps.push("connects");
    this.#online = true;
    this.#frames = [];
    this.#send({ event: "welcome" });
  }

  #disconnect() {
    this.steps.push("loses the connection");
    this.#online = false;
    this.#frames = [];
  }

  #tell(frame) {
    const lost = this.#lossy && this.dice.chance(LOST);
    this.steps.push(`${named(frame)} is stored${lost ? ", its event lost" : ""}`);
    if (!lost) this.#send(frame);
  }

  #send(frame) {
    if (!this.#online) return;
    const connection = this.#frames;
    connection.push(frame);
    void this.underWay.turn("a frame comes").then(() => {
      if (connection === this.#frames) this.#hear(connection.shift());
    });
  }

  /** api.js, as far as loading.js uses it. */
  #api() {
    const { server } = this;
    const line = (head) => server.line(head);
    return {
      conversation: (id) => this.#answer(id, () => server.head(id), line),
      conversations: () =>
        this.#answer(
          "the list",
          () => CONVERSATIONS.map((id) => server.head(id)),
          (heads) => ({ results: heads.map(line), next: null }),
        ),
      messages: (id, where) =>
        this.#answer(
          `${id}'s messages ${JSON.stringify(where)}`,
          () => server.head(id),
          (head) => server.page(head, where),
        ),
    };
  }

  async #answer(what, readHead, readRest) {
    await this.underWay.turn(`the question for ${what} comes`);
    const head = readHead();
    await this.underWay.turn(`the head of ${what} was read, the rest is`);
    const answer = readRest(head);
    await this.underWay.turn(`the answer with ${what} comes`);
    if (this.#lossy && this.dice.chance(LOST)) {
      this.steps.push("… or would have come: it is lost");
      throw this.modules.ChatError.disconnected();
    }
    return answer;
  }

  // The client, put together as in main.js

  /** The page is loaded, again or for the first time. */
  #load() {
    const { Loading, Store } = this.modules;
    const store = new Store(ME);
    this.store = store;
    this.loading = new Loading({ api: this.#api(), store });
    store.subscribe(() => store === this.store && this.#draw());
    this.#open(this.#someConversation());
    this.#connect();
  }

  #hear(frame) {
    this.steps.push(`hears ${named(frame)}`);
    if (frame.event === "welcome") this.#attempt(this.loading.refresh());
    else if (this.store.receive(frame) === "gap") this.#attempt(this.loading.catchUp(frame.conversationId));
  }

  #open(id) {
    this.steps.push(`opens ${id}`);
    this.store.openId = id;
    this.#draw();
    this.#attempt(this.loading.openThread(id));
  }

  #draw() {
    const { open, threads } = this.store;
    if (open && !threads.has(open.id)) this.#attempt(this.loading.openThread(open.id));
  }

  #attempt(work) {
    work.catch((error) => {
      if (!(error instanceof this.modules.ChatError)) throw error;
    });
  }

  // What is proved

  async #scrollToTheBeginning() {
    const { threads, openId } = this.store;
    while (threads.get(openId).hasOlder) {
      const before = threads.get(openId).oldestSeq;
      this.#scrollUp();
      await this.#rest();
      if (threads.get(openId).oldestSeq >= before) throw new Error("Scrolling up brings nothing older");
    }
    if (threads.get(openId).oldestSeq > 1) throw new Error(`The beginning of ${openId} is missing`);
  }

  #proveWhatIsHeld() {
    const { server, store } = this;
    if (!store.threads.has(store.openId)) throw new Error(`The messages of ${store.openId} are not held`);
    for (const id of CONVERSATIONS) same(`${id}'s line`, [store.conversations.get(id)], [server.line(server.head(id))]);
    for (const [id, thread] of store.threads) {
      same(`The version of ${id}'s messages`, [thread.version], [server.version(id)]);
      same(
        `${id}'s messages`,
        thread.list,
        server.messages(id).filter(({ seq }) => seq >= thread.oldestSeq),
      );
    }
  }
}

/** Everything that follows from a step without anything more arriving. */
function consequences() {
  return new Promise((done) => setImmediate(done));
}

function named({ event, conversationId, prev, version, data }) {
  return event === "welcome" ? event : `${event} of ${data.id} (${conversationId} ${prev}→${version})`;
}

function same(what, held, truth) {
  for (let at = 0; at < Math.max(held.length, truth.length); at += 1) {
    const [ours, theirs] = [held[at], truth[at]].map((each) => JSON.stringify(each));
    if (ours !== theirs) throw new Error(`${what}:\n  the client holds ${ours}\n  the server has  ${theirs}`);
  }
}

/** The client's modules, from a copy that has what tells node that its .js files are ES modules. */
async function clientModules(folder) {
  const copy = mkdtempSync(join(tmpdir(), "webclient-"));
  try {
    cpSync(folder, copy, { recursive: true });
    writeFileSync(join(copy, "package.json"), '{"type": "module"}');
    const names = ["errors.js", "loading.js", "store.js"];
    const modules = await Promise.all(names.map((name) => import(pathToFileURL(join(copy, name)))));
    return Object.assign({}, ...modules);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

const { values: options } = parseArgs({
  options: {
    seeds: { type: "string", default: "300" },
    first: { type: "string", default: "1" },
    modules: { type: "string", default: fileURLToPath(new URL(CLIENT, import.meta.url)) },
  },
});
const modules = await clientModules(options.modules);
let seed = Number(options.first);
let world;

function failed(error) {
  const steps = world.steps.slice(-STEPS_TOLD);
  console.error(`Seed ${seed}: ${error.stack}\n\nThe last ${steps.length} steps:\n${steps.join("\n")}`);
  process.exit(1);
}

process.on("uncaughtException", failed); // what nobody awaits fails too
globalThis.setTimeout = (wake) => void world.underWay.turn("a pause ends").then(wake);

for (const end = seed + Number(options.seeds); seed < end; seed += 1) {
  world = new World(seed, modules);
  try {
    await world.live();
  } catch (error) {
    failed(error);
  }
}
console.log(`${options.seeds} seeds, and the client held what the server has after each`);
