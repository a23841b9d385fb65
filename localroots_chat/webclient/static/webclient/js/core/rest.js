/**
 * REST as this client uses it: one small method per question. Shows who asks and turns every refusal into a ChatError.
 */

import { ChatError } from "./errors.js";

/** @typedef {import("./types.js").Attachment} Attachment */
/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").Found} Found */
/** @typedef {import("./types.js").Group} Group */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Page} Page */
/** @typedef {import("./types.js").User} User */
/** @typedef {{limit?: number, before?: number, after?: number, around?: number}} Place */

/** A request without an answer for this long is one that was lost: whoever asked tries again. On 32 kbit/s a page of
 * messages takes ten seconds. */
const PATIENCE_MS = 40_000;
const STALLED_MS = 40_000; // an upload of which nothing more goes out

export class Rest {
  /**
   * @param {object} options
   * @param {string} options.baseUrl where the service is, without a slash at the end
   * @param {() => Promise<Record<string, string>>} options.headers who asks: `Authorization`, or a CSRF token
   * @param {() => void} options.onSignedOut
   */
  constructor({ baseUrl, headers, onSignedOut }) {
    this.baseUrl = baseUrl;
    this.headers = headers;
    this.onSignedOut = onSignedOut;
  }

  /** @returns {Promise<string>} a single-use ticket for the socket */
  async ticket() {
    return (await this.#ask("POST", "ws-ticket/")).ticket;
  }

  /** A page of the list, and when it was answered by the server's clock, where that can be read.
   * @param {string | null} [cursor]
   * @returns {Promise<{results: Conversation[], next: string | null, answeredAt: string | null}>} */
  async conversations(cursor) {
    const response = await this.#response("GET", `conversations/${query({ cursor })}`);
    const date = Date.parse(response.headers.get("Date") ?? "");
    const answeredAt = Number.isNaN(date) ? null : new Date(date).toISOString();
    return { ...(await read(response)), answeredAt };
  }

  /** @param {string} id @returns {Promise<Conversation>} */
  conversation(id) {
    return this.#ask("GET", `conversations/${encodeURIComponent(id)}/`);
  }

  /** @param {string} userId @returns {Promise<Conversation>} the direct conversation with that person, new or not */
  converseWith(userId) {
    return this.#ask("POST", "conversations/", { userId });
  }

  /** @param {string} id @param {boolean} muted @returns {Promise<Conversation>} */
  mute(id, muted) {
    return this.#ask("PATCH", `conversations/${encodeURIComponent(id)}/`, { muted });
  }

  /** @param {string} id @param {Place} place @returns {Promise<Page>} */
  messages(id, place) {
    return this.#ask("GET", `conversations/${encodeURIComponent(id)}/messages/${query(place)}`);
  }

  /** @param {string} id @returns {Promise<Message>} */
  message(id) {
    return this.#ask("GET", `messages/${encodeURIComponent(id)}/`);
  }

  /** Who has read it. @param {string} id @returns {Promise<{user: User, readAt: string}[]>} */
  async receipts(id) {
    return (await this.#ask("GET", `messages/${encodeURIComponent(id)}/receipts/`)).results;
  }

  /** @param {string} search @returns {Promise<User[]>} */
  async people(search) {
    return (await this.#ask("GET", `users/${query({ search })}`)).results;
  }

  /** @param {string} search @returns {Promise<Group[]>} */
  async groups(search) {
    return (await this.#ask("GET", `groups/${query({ search, limit: 20 })}`)).results;
  }

  /** @param {string} id @returns {Promise<Group>} */
  joinGroup(id) {
    return this.#ask("POST", `groups/${encodeURIComponent(id)}/join/`);
  }

  /** @param {string} words @param {string} [conversation] in this one alone @returns {Promise<Found[]>} */
  async searchMessages(words, conversation) {
    return (await this.#ask("GET", `messages/search/${query({ q: words, conversation, limit: 30 })}`)).results;
  }

  /** @returns {Promise<User[]>} whom one has blocked */
  async blocks() {
    /** @type {User[]} */ const blocked = [];
    /** @type {string | null} */ let cursor = null;
    do {
      const { results, next } = await this.#ask("GET", `blocks/${query({ cursor, limit: 100 })}`);
      blocked.push(...results.map((/** @type {{user: User}} */ { user }) => user));
      cursor = next;
    } while (cursor);
    return blocked;
  }

  /** An address of a file that needs no token, for five minutes: for pages that show no cookie.
   * @param {string} attachmentId @returns {Promise<string>} */
  async link(attachmentId) {
    return (await this.#ask("POST", `attachments/${encodeURIComponent(attachmentId)}/link/`)).url;
  }

  /** @param {string} userId */
  block(userId) {
    return this.#ask("POST", "blocks/", { userId });
  }

  /** @param {string} userId */
  unblock(userId) {
    return this.#ask("DELETE", `blocks/${encodeURIComponent(userId)}/`);
  }

  /** @param {{kind: "message" | "user" | "group", id: string, reason: string, note: string}} report */
  report(report) {
    return this.#ask("POST", "reports/", report);
  }

  /** @returns {Promise<import("./types.js").Held[]>} one's own messages that wait for a moderator */
  async held() {
    return (await this.#ask("GET", "held/?limit=100")).results;
  }

  /** A file, told how far it is; fetch() does not say. @param {File} file @param {(share: number) => void} onProgress
   * @param {AbortSignal} signal @returns {Promise<Attachment>} */
  async upload(file, onProgress, signal) {
    const headers = await this.headers();
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", `${this.baseUrl}/api/attachments/`);
      request.responseType = "json";
      request.setRequestHeader("Accept", "application/json");
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      let stalled = setTimeout(() => request.abort(), STALLED_MS);
      request.upload.onprogress = ({ loaded, total }) => {
        clearTimeout(stalled);
        stalled = setTimeout(() => request.abort(), STALLED_MS);
        onProgress(loaded / total);
      };
      request.onloadend = () => clearTimeout(stalled);
      request.onerror = request.onabort = () => reject(ChatError.disconnected());
      request.onload = () => {
        if (request.status === 401) this.onSignedOut();
        if (request.status === 201 && request.response) resolve(request.response);
        else reject(new ChatError(request.response?.error ?? unexplained(request)));
      };
      if (signal.aborted) return reject(ChatError.disconnected());
      signal.addEventListener("abort", () => request.abort());
      const form = new FormData();
      form.append("file", file, file.name || "file");
      request.send(form);
    });
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  async #ask(method, path, body) {
    return read(await this.#response(method, path, body));
  }

  /** @param {string} method @param {string} path @param {unknown} [body] */
  async #response(method, path, body) {
    let response;
    try {
      /** @type {Record<string, string>} */
      const headers = { Accept: "application/json", ...(await this.headers()) };
      if (body !== undefined) headers["Content-Type"] = "application/json";
      response = await fetch(`${this.baseUrl}/api/${path}`, {
        method,
        headers,
        signal: AbortSignal.timeout(PATIENCE_MS),
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (error) {
      // Also where whoever provides the credentials has no network.
      throw error instanceof ChatError ? error : ChatError.disconnected();
    }
    if (response.ok) return response;
    if (response.status === 401) this.onSignedOut();
    const answer = await response.json().catch(() => null);
    throw new ChatError(answer?.error ?? unexplained(response));
  }
}

/** The answer's data. @param {Response} response @returns {Promise<any>} */
async function read(response) {
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch {
    throw ChatError.disconnected(); // cut off midway, or not our server's words
  }
}

/** @param {Record<string, unknown>} parameters */
function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}

/** @param {{status: number}} response */
function unexplained({ status }) {
  return { code: "internal", message: `The server answered ${status}.`, retryable: status >= 500 };
}
