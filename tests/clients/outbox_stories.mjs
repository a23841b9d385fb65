/**
 * What becomes of messages on their way, in the web client's outbox: over a real IndexedDB API (fake-indexeddb), a real
 * BroadcastChannel, and locks like a browser's. One story at a time: each needs a browser of its own.
 *
 *   node tests/clients/outbox_stories.mjs <story>
 */

import assert from "node:assert/strict";

import "fake-indexeddb/auto";

import { core } from "./core_copy.mjs";

const DEADLINE = 5000;

const { ChatError, Outbox, Tabs } = await core(["errors.js", "outbox.js", "tabs.js"]);
Math.random = () => 0; // nobody waits longer than they must

/** Locks as navigator.locks gives them: one holder at a time for each name, first come, first served. */
class Locks {
  #last = new Map();

  request(name, work) {
    const done = (this.#last.get(name) ?? Promise.resolve()).then(work);
    this.#last.set(name, done.catch(() => undefined));
    return done;
  }
}

/** A server that stores each clientId once. Where it does not answer at once, the story does. */
class Server {
  stored = [];
  attempts = [];
  /** What to do with an attempt, in place of storing: by content. */
  trouble = new Map();

  async take(letter) {
    this.attempts.push(letter.content);
    await this.trouble.get(letter.content)?.(letter);
    return this.store(letter);
  }

  store({ clientId, conversationId, content }) {
    const known = this.stored.find((each) => each.clientId === clientId);
    const message = known ?? { id: `m${this.stored.length}`, clientId, conversationId, content };
    if (!known) this.stored.push(message);
    return { message };
  }

  get contents() {
    return this.stored.map(({ content }) => content);
  }
}

/** A window of the browser. */
class Window {
  online = true;
  delivered = [];

  constructor(server, { userId = "maria", browser = "one" } = {}) {
    this.tabs = new Tabs(`outbox ${browser}`);
    this.outbox = new Outbox({
      userId,
      deliver: async (letter) => {
        if (!this.online) throw ChatError.disconnected();
        return server.take(letter);
      },
      onDelivered: (message) => this.delivered.push(message.content),
      onChange: () => undefined,
      tabs: this.tabs,
    });
  }

  say(content, conversationId = "talk") {
    this.outbox.post({ conversationId, content, attachments: [], replyTo: null });
  }

  get shown() {
    return this.outbox.letters.map(({ content, state }) => (state === "pending" ? content : `${content} (${state})`));
  }

  letter(content) {
    return this.outbox.letters.find((each) => each.content === content);
  }

  reconnects() {
    this.online = true;
    void this.outbox.flush();
  }

  /** As a crash does: nothing is said, nothing is sent any more. */
  dies() {
    this.online = false;
    this.tabs.close();
  }
}

function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { open, opened };
}

/** Until this is so. */
async function until(what, condition) {
  const end = Date.now() + DEADLINE;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`It never came about that ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Until nothing is under way between these windows any more: what they tell each other comes within a few turns. */
async function quiet() {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function refused(code, options) {
  return new ChatError({ code, message: code, ...options });
}

function withLocks() {
  Object.defineProperty(globalThis, "navigator", { value: { locks: new Locks() }, configurable: true });
}

const stories = {
  async "one after the other in each conversation"() {
    const server = new Server();
    const one = gate();
    server.trouble.set("one", () => one.opened);
    const window = new Window(server);
    for (const content of ["one", "two", "three"]) window.say(content);
    window.say("elsewhere", "other talk");
    await until("the other conversation goes ahead", () => server.contents.includes("elsewhere"));
    assert.deepEqual(server.attempts, ["one", "elsewhere"]);
    assert.deepEqual(window.shown, ["one", "two", "three"]);
    one.open();
    await until("all are there", () => window.shown.length === 0);
    assert.deepEqual(server.contents, ["elsewhere", "one", "two", "three"]);
    assert.deepEqual(window.delivered, ["elsewhere", "one", "two", "three"]);
  },

  async "a busy server is asked again before anything later is sent"() {
    const server = new Server();
    let busy = 3;
    server.trouble.set("one", () => {
      busy -= 1;
      if (busy > 0) throw refused("rate_limited", { retryable: true, retryAfter: 0.01 });
    });
    const window = new Window(server);
    window.say("one");
    window.say("two");
    await until("both are there", () => window.shown.length === 0);
    assert.deepEqual(server.attempts, ["one", "one", "one", "two"]);
  },

  async "what is refused for good waits for its writer, and holds nothing up"() {
    const server = new Server();
    server.trouble.set("one", () => {
      throw refused("muted");
    });
    const window = new Window(server);
    window.say("one");
    window.say("two");
    await until("the second is there", () => server.contents.includes("two"));
    await until("the first alone is left", () => window.shown.length === 1);
    assert.deepEqual(window.shown, ["one (failed)"]);
    assert.equal(window.letter("one").reason, "muted");
    assert.equal(window.outbox.unsent, 0);
    server.trouble.clear();
    window.outbox.retry(window.letter("one").clientId);
    await until("it is there, too", () => window.shown.length === 0);
    assert.deepEqual(server.contents, ["two", "one"]);
  },

  async "what is discarded is not sent"() {
    const server = new Server();
    const window = new Window(server);
    window.online = false;
    window.say("one");
    window.say("two");
    window.outbox.remove(window.letter("one").clientId);
    window.reconnects();
    await until("nothing is left", () => window.shown.length === 0);
    assert.deepEqual(server.contents, ["two"]);
  },

  async "a lost answer is asked for again under the same clientId"() {
    const server = new Server();
    const window = new Window(server);
    server.trouble.set("one", (letter) => {
      server.store(letter);
      window.online = false;
      throw ChatError.disconnected();
    });
    window.say("one");
    window.say("two");
    await until("the connection is lost", () => !window.online);
    server.trouble.clear();
    window.reconnects();
    await until("nothing is left", () => window.shown.length === 0);
    assert.deepEqual(server.attempts, ["one", "one", "two"]);
    assert.deepEqual(server.contents, ["one", "two"]);
  },

  async "what was seen to have arrived is not sent again"() {
    const server = new Server();
    const window = new Window(server);
    server.trouble.set("one", (letter) => {
      server.store(letter);
      window.online = false;
      throw ChatError.disconnected();
    });
    window.say("one");
    await until("the connection is lost", () => !window.online);
    window.outbox.remove(server.stored[0].clientId);
    window.reconnects();
    await quiet();
    assert.deepEqual(server.attempts, ["one"]);
  },

  async "after a reload the rest is sent once, in order"() {
    const server = new Server();
    const before = new Window(server);
    before.say("one");
    await until("the first is there", () => before.shown.length === 0);
    server.trouble.set("two", (letter) => {
      server.store(letter);
      before.dies();
      throw ChatError.disconnected();
    });
    for (const content of ["two", "three", "four"]) before.say(content);
    await until("the window is gone", () => !before.online);
    await quiet();
    server.trouble.clear();
    const after = new Window(server);
    await until("nothing is left", () => server.contents.length === 4 && after.shown.length === 0);
    assert.deepEqual(server.contents, ["one", "two", "three", "four"]);
    assert.deepEqual(server.attempts, ["one", "two", "two", "three", "four"]);
    await quiet();
    const third = new Window(server);
    await quiet();
    assert.deepEqual(third.shown, []);
    assert.equal(server.attempts.length, 5);
  },

  async "a connection that is there before the storage was read changes nothing"() {
    const server = new Server();
    const before = new Window(server);
    before.online = false;
    before.say("one");
    await quiet();
    before.dies();
    const after = new Window(server);
    void after.outbox.flush(); // the welcome came first
    await until("it is there", () => server.contents.length === 1);
    assert.deepEqual(server.attempts, ["one"]);
  },

  async "what is written while the rest is being finished is sent"() {
    const server = new Server();
    const window = new Window(server);
    withLocks();
    const { locks } = globalThis.navigator;
    let written = false;
    const request = locks.request.bind(locks);
    locks.request = async (name, work) => {
      await request(name, work);
      if (written) return;
      written = true;
      window.say("two"); // the first has left, and its lock is not given back yet
      await quiet();
    };
    window.say("one");
    await until("both are there", () => server.contents.length === 2);
  },

  async "two windows send each message once"() {
    withLocks();
    const server = new Server();
    const one = new Window(server);
    const other = new Window(server);
    const [first, later] = [gate(), gate()];
    server.trouble.set("first", () => first.opened);
    server.trouble.set("later", () => later.opened);
    one.say("first");
    await until("it is on its way", () => server.attempts.length === 1);
    other.say("later");
    await until("the other window shows it", () => other.shown.includes("first"));
    await until("this window shows the other's", () => one.shown.includes("later"));
    await quiet();
    assert.deepEqual(server.attempts, ["first"]);
    first.open();
    later.open();
    await until("nothing is left", () => one.shown.length + other.shown.length === 0);
    await quiet();
    assert.deepEqual(server.attempts, ["first", "later"]);
  },

  async "two windows with much to say send each message once, each window's in order"() {
    withLocks();
    const server = new Server();
    const windows = [new Window(server), new Window(server)];
    for (let number = 0; number < 30; number += 1) {
      windows[number % 2].say(`${number % 2} ${number}`, `talk ${number % 3}`);
    }
    await until("all are there", () => server.stored.length === 30);
    await until("nothing is left", () => windows.every(({ shown }) => shown.length === 0));
    await quiet();
    assert.equal(server.attempts.length, 30);
    for (const talk of ["talk 0", "talk 1", "talk 2"]) {
      for (const window of ["0", "1"]) {
        const said = server.stored.filter((each) => each.conversationId === talk && each.content.startsWith(window));
        const numbers = said.map(({ content }) => Number(content.split(" ")[1]));
        assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
      }
    }
  },

  async "without locks two windows store each message once all the same"() {
    const server = new Server();
    const windows = [new Window(server), new Window(server)];
    for (let number = 0; number < 10; number += 1) windows[number % 2].say(`${number}`);
    await until("all are there", () => server.stored.length === 10);
    await until("nothing is left", () => windows.every(({ shown }) => shown.length === 0));
  },

  async "a window without a connection leaves it to one that has one"() {
    withLocks();
    const server = new Server();
    const offline = new Window(server);
    offline.online = false;
    const online = new Window(server);
    offline.say("one");
    await until("the other has sent it", () => server.contents.length === 1);
    await until("both know", () => offline.shown.length + online.shown.length === 0);
    assert.deepEqual(online.delivered, ["one"]);
  },

  async "locks that refuse to work stop nothing"() {
    const server = new Server();
    const locks = { request: () => Promise.reject(new DOMException("no", "SecurityError")) };
    Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
    const window = new Window(server);
    window.say("one");
    await until("it is there", () => server.contents.length === 1);
  },

  async "where there is no storage the memory has to do"() {
    const server = new Server();
    globalThis.indexedDB = undefined;
    const window = new Window(server);
    window.online = false;
    window.say("one");
    window.say("two");
    await quiet();
    assert.deepEqual(window.shown, ["one", "two"]);
    window.reconnects();
    await until("both are there", () => window.shown.length === 0);
    assert.deepEqual(server.contents, ["one", "two"]);
  },

  async "a storage that never opens holds up nothing"() {
    const server = new Server();
    globalThis.indexedDB = { open: () => ({}) };
    const later = globalThis.setTimeout;
    globalThis.setTimeout = (wake, milliseconds) => later(wake, milliseconds / 100);
    const window = new Window(server);
    window.say("one");
    await until("it is there", () => server.contents.length === 1);
  },

  async "a disk that is full loses nothing that is shown"() {
    const server = new Server();
    const window = new Window(server);
    window.online = false;
    window.say("one");
    await quiet();
    const { transaction } = IDBDatabase.prototype;
    IDBDatabase.prototype.transaction = function (name, mode, ...rest) {
      if (mode === "readwrite") throw new DOMException("full", "QuotaExceededError");
      return transaction.call(this, name, mode, ...rest);
    };
    window.say("two");
    window.say("three");
    await quiet();
    assert.deepEqual(window.shown, ["one", "two", "three"]);
    window.reconnects();
    await until("nothing is left", () => window.shown.length === 0);
    assert.deepEqual(server.contents, ["one", "two", "three"]);
  },

  async "signing out forgets one's own, and nobody else's"() {
    const server = new Server();
    const tom = new Window(server, { userId: "tom" });
    const maria = new Window(server);
    tom.online = maria.online = false;
    tom.say("Tom's");
    maria.say("Maria's");
    await quiet();
    assert.deepEqual(maria.shown, ["Maria's"]);
    await maria.outbox.clear();
    assert.deepEqual(maria.shown, []);
    maria.dies();
    tom.dies();
    const again = new Window(server);
    const tomAgain = new Window(server, { userId: "tom" });
    await until("Tom's is there", () => server.contents.length === 1);
    await quiet();
    assert.deepEqual(server.contents, ["Tom's"]);
    assert.deepEqual([again.shown, tomAgain.shown], [[], []]);
  },

  async "what a moderator has to see first is asked for again when it was decided unheard"() {
    const server = new Server();
    const { store } = server;
    server.store = () => ({ held: true });
    const window = new Window(server);
    for (const content of ["waits", "let in", "sent back", "taken back"]) window.say(content);
    await until("all wait", () => window.shown.every((each) => each.endsWith("(held)")) && window.shown.length === 4);
    assert.equal(window.outbox.unsent, 0);
    const clientId = (content) => window.letter(content).clientId;
    window.outbox.decided({ clientId: clientId("sent back"), state: "REFUSED", answer: "No advertisements." });
    window.outbox.decided({ clientId: clientId("taken back"), state: "WITHDRAWN", answer: "" });
    server.store = store;
    window.outbox.askAgain([{ clientId: clientId("waits") }]);
    void window.outbox.flush();
    await until("the one that was let in is there", () => server.contents.length === 1);
    await until("it has left the outbox", () => window.shown.length === 2);
    assert.deepEqual(window.shown, ["waits (held)", "sent back (failed)"]);
    assert.equal(window.letter("sent back").reason, "No advertisements.");
    assert.deepEqual(server.contents, ["let in"]);
  },

  async "a clock that goes back keeps the order"() {
    const server = new Server();
    const window = new Window(server);
    window.online = false;
    const now = Date.now();
    for (const [content, clock] of [["one", now], ["two", now - 3_600_000], ["three", now - 7_200_000]]) {
      Date.now = () => clock;
      window.say(content);
    }
    Date.now = () => Math.round(performance.timeOrigin + performance.now());
    await quiet();
    window.dies();
    const after = new Window(server);
    await until("nothing is left", () => server.contents.length === 3 && after.shown.length === 0);
    assert.deepEqual(server.contents, ["one", "two", "three"]);
  },
};

if (process.argv[2] === "--list") {
  console.log(Object.keys(stories).join("\n"));
} else {
  process.on("unhandledRejection", (error) => {
    console.error(error);
    process.exit(1);
  });
  await stories[process.argv[2]]();
}
process.exit(0);
