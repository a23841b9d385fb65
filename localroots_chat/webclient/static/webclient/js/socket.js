/**
 * One connection to /ws/chat/, kept alive. Takes a fresh ticket for every attempt, comes back after a loss with
 * full-jitter back-off, answers heartbeats, and pairs each request with its reply by `ref`. It knows frames, not
 * messages: what an event means is for its listener.
 */

import { ChatError } from "./errors.js";

/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {"connecting" | "online" | "reconnecting" | "offline"} ConnectionState */

const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;
const SILENCE = 60_000; // the server speaks every 25 s
const REPLY_WITHIN = 20_000;

const REFUSED = 4403; // 4401 may only mean a late ticket: asking for the next one tells
const COME_BACK_SLOWLY = new Set([4409, 4429]); // too many sockets, flood

export class ChatSocket {
  /** @type {WebSocket | null} */ #ws = null;
  /** @type {Map<string, {resolve: (data: any) => void, reject: (error: ChatError) => void, timer: number}>} */
  #waiting = new Map();
  /** @type {ConnectionState} */ #state = "connecting";
  #attempt = 0;
  #nextRef = 1;
  #notBefore = 0; // seconds the server asked us to stay away
  /** @type {number | undefined} */ #retryTimer;
  /** @type {number | undefined} */ #silenceTimer;

  /**
   * @param {object} options
   * @param {() => Promise<string>} options.ticket
   * @param {(frame: Frame) => void} options.onEvent every frame but replies and heartbeats, `welcome` included
   * @param {(state: ConnectionState) => void} options.onState
   * @param {() => void} options.onSignedOut
   */
  constructor({ ticket, onEvent, onState, onSignedOut }) {
    this.ticket = ticket;
    this.onEvent = onEvent;
    this.onState = onState;
    this.onSignedOut = onSignedOut;
  }

  start() {
    addEventListener("online", () => this.#comeBackNow());
    addEventListener("offline", () => this.#dropped(0));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#comeBackNow();
    });
    void this.#connect();
  }

  get online() {
    return this.#state === "online";
  }

  /** Fire and forget, for what is only worth saying now. @param {string} event @param {unknown} [data] */
  send(event, data) {
    if (this.online) this.#ws?.send(JSON.stringify({ event, data }));
  }

  /** @param {string} event @param {unknown} data @returns {Promise<any>} the reply's data, or a ChatError */
  request(event, data) {
    const ws = this.#ws;
    if (!ws || !this.online) return Promise.reject(ChatError.disconnected());
    const ref = String(this.#nextRef++);
    return new Promise((resolve, reject) => {
      // An answer this late means a dead connection: losing it rejects this request with the others.
      const timer = setTimeout(() => this.#dropped(0), REPLY_WITHIN);
      this.#waiting.set(ref, { resolve, reject, timer });
      ws.send(JSON.stringify({ event, data, ref }));
    });
  }

  async #connect() {
    if (this.#ws) return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#become(this.#attempt === 0 ? "connecting" : "reconnecting");
    this.#attempt += 1;
    const attempt = this.#attempt;
    try {
      const ticket = await this.ticket();
      if (this.#ws || attempt !== this.#attempt) return;
      this.#open(ticket);
    } catch (error) {
      if (attempt === this.#attempt)
        this.#retryLater(error instanceof ChatError ? error.retryAfter : undefined);
    }
  }

  /** @param {string} ticket */
  #open(ticket) {
    const origin = location.origin.replace(/^http/, "ws");
    const ws = new WebSocket(`${origin}/ws/chat/?ticket=${encodeURIComponent(ticket)}`);
    this.#ws = ws;
    ws.onmessage = ({ data }) => {
      if (ws === this.#ws) this.#heard(JSON.parse(data));
    };
    ws.onclose = ({ code }) => {
      if (ws === this.#ws) this.#dropped(code);
    };
    this.#expectSound();
  }

  /** @param {any} frame */
  #heard(frame) {
    this.#expectSound();
    switch (frame.event) {
      case "reply":
        return this.#answered(frame);
      case "heartbeat":
        return this.send("heartbeat");
      case "bye":
        this.#notBefore = frame.data?.reconnectAfter ?? 0;
        return;
      case "welcome":
        this.#attempt = 1;
        this.#become("online");
    }
    this.onEvent(frame);
  }

  /** @param {{ref: string, ok: boolean, data?: any, error?: any}} reply */
  #answered({ ref, ok, data, error }) {
    const request = this.#waiting.get(ref);
    if (!request) return;
    this.#waiting.delete(ref);
    clearTimeout(request.timer);
    if (ok) request.resolve(data);
    else request.reject(new ChatError(error));
  }

  /** @param {number} code */
  #dropped(code) {
    const ws = this.#ws;
    this.#ws = null;
    ws?.close();
    clearTimeout(this.#silenceTimer);
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(ChatError.disconnected());
    }
    this.#waiting.clear();
    if (code === REFUSED) return this.onSignedOut();
    this.#retryLater(COME_BACK_SLOWLY.has(code) ? LONGEST_DELAY / 1000 : this.#notBefore);
    this.#notBefore = 0;
  }

  /** Full jitter: anywhere between now and the current ceiling, so that a restart is not met by a crowd.
   * @param {number} [atLeast] seconds */
  #retryLater(atLeast = 0) {
    this.#become(navigator.onLine ? "reconnecting" : "offline");
    const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (this.#attempt - 1));
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#connect(), atLeast * 1000 + Math.random() * ceiling);
  }

  #comeBackNow() {
    if (this.#retryTimer !== undefined) void this.#connect();
  }

  #expectSound() {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#dropped(0), SILENCE);
  }

  /** @param {ConnectionState} state */
  #become(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.onState(state);
  }
}
