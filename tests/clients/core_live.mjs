/**
 * The web client's core in a process of its own, as another web app would use it, for tests against a real server.
 * What it does is said line by line on its input, as JSON with an `id`: `run` is JavaScript whose value is answered,
 * `until` an expression that has to become true. In both `chat` is the ChatClient, and `line` what its sockets said.
 *
 *   node tests/clients/core_live.mjs <base URL> <me, as JSON> <token> [<the token after it> …]
 */

import { createInterface } from "node:readline";

import { WebSocket as Plain } from "ws";

import { core } from "./core_copy.mjs";

const LOOK_AGAIN_MS = 10;
const HURRY = 0.1; // how much of the waiting before another attempt is enough against a server next door

const { ChatClient } = await core(["client.js"]);
const roll = Math.random;
Math.random = () => roll() * HURRY;

const [baseUrl, me, ...tokens] = process.argv.slice(2);

const line = { opened: 0, heard: [], said: [], closed: [] };

class WebSocket extends Plain {
  constructor(address) {
    super(address);
    line.opened += 1;
    this.on("message", (data) => line.heard.push(JSON.parse(data)));
    this.on("close", (code) => line.closed.push(code));
  }

  send(text) {
    line.said.push(JSON.parse(text));
    super.send(text);
  }
}

async function credentials() {
  return tokens.length > 1 && line.opened > 0 ? tokens.shift() : tokens[0];
}

const chat = new ChatClient({ baseUrl, me: JSON.parse(me), token: credentials, WebSocket });
console.warn = () => undefined; // the lost connections are meant

/** @param {string} text */
function compiled(text) {
  return new Function("chat", "line", `return (async () => { ${text} })()`);
}

async function until({ until, within }) {
  const condition = compiled(`return ${until}`);
  const end = Date.now() + within * 1000;
  while (!(await condition(chat, line))) {
    if (Date.now() > end) throw new Error(`It never came about that ${until}. ${await told()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

async function told() {
  const { connectionState, outbox, store } = chat;
  const threads = store.listed.map(({ id }) => [id, store.thread(id)?.list.length ?? null]);
  const closed = line.closed.slice(-5);
  return JSON.stringify({ connectionState, letters: outbox.letters.length, list: store.listed, threads, closed });
}

for await (const text of createInterface({ input: process.stdin })) {
  const command = JSON.parse(text);
  const work = command.until ? until(command) : compiled(command.run)(chat, line);
  work.then(
    (value) => console.log(JSON.stringify({ id: command.id, value: value ?? null })),
    (error) => console.log(JSON.stringify({ id: command.id, error: String(error?.stack ?? error) })),
  );
}
process.exit(0);
