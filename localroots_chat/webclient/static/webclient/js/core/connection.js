/**
 * One connection to /ws/chat/, kept alive. Shows fresh credentials at every attempt, comes back after a loss with
 * full-jitter back-off, answers heartbeats, and pairs each request with its reply by `ref`. It knows frames, not
 * messages: what an event means is for its listener. No DOM.
 */

import { ChatError } from "./errors.js";
import { backOff } from "./waiting.js";

/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {"connecting" | "online" | "reconnecting" | "offline" | "ended"} ConnectionState */
/** @typedef {ReturnType<typeof setTimeout>} Timer */

const SILENCE_MS = 60_000; // the server speaks every 25 s
const OPENS_WITHIN_MS = 30_000; // a handshake that takes longer goes nowhere
const REPLY_WITHIN_MS = 30_000;
const SLOWLY = 30; // seconds

const REFUSED = 4403; // 4401 may only mean a late ticket: asking for the next one tells
const COME_BACK_SLOWLY = new Set([4409, 4429]); // too many sockets, flood

export class Connection {
  /** @type {WebSocket | null} */ #ws = null;
  /** @type {Map<string, {resolve: (data: any) => void, reject: (error: ChatError) => void, timer: Timer}>} */
  #waiting = new Map();
  /** @type {ConnectionState} */ #state = "connecting";
  #attempt = 0; // since the last welcome
  #asking = false; // for credentials
  #nextRef = 1;
  #notBefore = 0; // seconds the server asked us to stay away
  #awayUntil = 0; // by this device's clock: nobody who looks brings us back before
  /** @type {Timer | undefined} */ #retryTimer;
  /** @type {Timer | undefined} */ #silenceTimer;

  /**
   * @param {object} options
   * @param {string} options.url ws: or wss:, of /ws/chat/
   * @param {typeof globalThis.WebSocket} options.WebSocket
   * @param {() => Promise<string>} [options.ticket] for the address; without one, a first frame shows a token
   * @param {() => Promise<string>} [options.token]
   * @param {(frame: Frame) => void} options.onEvent every frame but replies and heartbeats, `welcome` included
   * @param {(state: ConnectionState) => void} options.onState
   */
  constructor({ url, WebSocket, ticket, token, onEvent, onState }) {
    this.url = url;
    this.WebSocket = WebSocket;
    this.ticket = ticket;
    this.token = token;
    this.onEvent = onEvent;
    this.onState = onState;
  }

  start() {
    void this.#connect();
  }

  /** For good. */
  end() {
    this.#become("ended");
    this.#leave();
  }

  get online() {
    return this.#state === "online";
  }

  get state() {
    return this.#state;
  }

  /** Fire and forget, for what is only worth saying now. @param {string} event @param {unknown} [data] */
  send(event, data) {
    if (this.online) this.#write({ event, data });
  }

  /** @param {string} event @param {unknown} data @returns {Promise<any>} the reply's data, or a ChatError */
  request(event, data) {
    if (!this.online) return Promise.reject(ChatError.disconnected());
    const ref = String(this.#nextRef++);
    return new Promise((resolve, reject) => {
      // An answer this late means a dead connection: losing it rejects this request with the others.
      const timer = setTimeout(() => this.#dropped(0), REPLY_WITHIN_MS);
      this.#waiting.set(ref, { resolve, reject, timer });
      this.#write({ event, data, ref });
    });
  }

  /** The network is back, or somebody looks: not a reason to wait any longer. */
  comeBackNow() {
    if (this.#retryTimer !== undefined && Date.now() >= this.#awayUntil) void this.#connect();
  }

  /** The network is known to be gone: nothing is to be heard any more. */
  lost() {
    if (this.#state !== "ended") this.#dropped(0);
  }

  async #connect() {
    if (this.#ws || this.#asking || this.#state === "ended") return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#become(this.#state === "connecting" ? "connecting" : "reconnecting");
    this.#asking = true;
    try {
      this.#open(await this.#address());
    } catch (error) {
      // Whatever a provider of credentials throws: it may succeed the next time.
      const { code, retryAfter } = /** @type {ChatError} */ (error);
      if (code === "token_invalid") this.end();
      else this.#retryLater(retryAfter);
    } finally {
      this.#asking = false;
    }
  }

  async #address() {
    return this.ticket ? `${this.url}?ticket=${encodeURIComponent(await this.ticket())}` : this.url;
  }

  /** @param {string} address */
  #open(address) {
    if (this.#state === "ended") return;
    const ws = new this.WebSocket(address);
    this.#ws = ws;
    ws.onopen = () => void (ws === this.#ws && this.token && !this.ticket && this.#showToken(ws));
    ws.onmessage = ({ data }) => {
      if (ws === this.#ws) this.#heard(JSON.parse(data));
    };
    ws.onclose = ({ code }) => {
      if (ws === this.#ws) this.#dropped(code);
    };
    ws.onerror = () => undefined; // a close follows, and says more
    this.#expectSound(OPENS_WITHIN_MS);
  }

  /** @param {WebSocket} ws */
  async #showToken(ws) {
    try {
      const token = await this.token?.();
      if (ws === this.#ws) this.#write({ event: "auth", data: { token }, ref: "auth" });
    } catch {
      if (ws === this.#ws) this.#dropped(0);
    }
  }

  /** @param {any} frame */
  #heard(frame) {
    this.#expectSound();
    switch (frame.event) {
      case "reply":
        return this.#answered(frame);
      case "heartbeat":
        return this.send("heartbeat");
      case "session:expiring":
        return void (this.token && !this.ticket && this.#ws && this.#showToken(this.#ws));
      case "bye":
        this.#notBefore = frame.data?.reconnectAfter ?? 0;
        return;
      case "welcome":
        this.#attempt = 0;
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
    this.#leave();
    if (code === REFUSED) return this.#become("ended");
    this.#retryLater(COME_BACK_SLOWLY.has(code) ? SLOWLY : this.#notBefore);
    this.#notBefore = 0;
  }

  /** Whatever was asked on this connection will not be answered any more. */
  #leave() {
    const ws = this.#ws;
    this.#ws = null;
    ws?.close();
    clearTimeout(this.#silenceTimer);
    clearTimeout(this.#retryTimer);
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    if (this.#state === "online") this.#become("reconnecting");
    for (const { reject, timer } of waiting) {
      clearTimeout(timer);
      reject(ChatError.disconnected());
    }
  }

  /** @param {number} [atLeast] seconds */
  #retryLater(atLeast = 0) {
    if (this.#state === "ended") return;
    this.#become(globalThis.navigator?.onLine === false ? "offline" : "reconnecting");
    clearTimeout(this.#retryTimer);
    this.#awayUntil = Date.now() + atLeast * 1000;
    this.#retryTimer = setTimeout(() => this.#connect(), (atLeast + backOff(this.#attempt)) * 1000);
    this.#attempt += 1;
  }

  /** @param {number} [within] */
  #expectSound(within = SILENCE_MS) {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#dropped(0), within);
  }

  /** @param {unknown} frame */
  #write(frame) {
    this.#ws?.send(JSON.stringify(frame));
  }

  /** @param {ConnectionState} state */
  #become(state) {
    if (state === this.#state || this.#state === "ended") return;
    this.#state = state;
    this.onState(state);
  }
}
