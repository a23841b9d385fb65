/**
 * REST as this client uses it: one small method per question. Signs requests with Django's session and CSRF token
 * and turns every refusal into a ChatError.
 */

import { ChatError } from "./errors.js";

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").Page} Page */
/** @typedef {import("./types.js").User} User */

/** A request without an answer for this long is one that was lost: whoever asked tries again. */
const PATIENCE_MS = 20_000;

export class Api {
  /** @param {{onSignedOut: () => void}} options */
  constructor({ onSignedOut }) {
    this.onSignedOut = onSignedOut;
  }

  /** @returns {Promise<string>} a single-use ticket for the socket */
  async ticket() {
    return (await this.#request("POST", "/api/ws-ticket/")).ticket;
  }

  /** @param {string | null} [cursor] @returns {Promise<{results: Conversation[], next: string | null}>} */
  conversations(cursor) {
    return this.#request("GET", `/api/conversations/${cursor ? `?${new URLSearchParams({ cursor })}` : ""}`);
  }

  /** @param {string} id @returns {Promise<Conversation>} */
  conversation(id) {
    return this.#request("GET", `/api/conversations/${encodeURIComponent(id)}/`);
  }

  /** @param {string} userId @returns {Promise<Conversation>} the direct conversation with that person, new or not */
  converseWith(userId) {
    return this.#request("POST", "/api/conversations/", { userId });
  }

  /** @param {string} id @param {{limit?: number, before?: number, after?: number}} where @returns {Promise<Page>} */
  messages(id, where) {
    const query = new URLSearchParams(Object.entries(where).map(([name, value]) => [name, String(value)]));
    return this.#request("GET", `/api/conversations/${encodeURIComponent(id)}/messages/?${query}`);
  }

  /** @param {string} search @returns {Promise<User[]>} */
  async people(search) {
    return (await this.#request("GET", `/api/users/?${new URLSearchParams({ search })}`)).results;
  }

  /** A file, told how far it is; fetch() does not say. @param {File} file @param {(share: number) => void} onProgress
   * @param {AbortSignal} signal @returns {Promise<import("./types.js").Attachment>} */
  upload(file, onProgress, signal) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", "/api/attachments/");
      request.responseType = "json";
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("X-CSRFToken", cookie("csrftoken"));
      request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
      request.onerror = request.onabort = () => reject(ChatError.disconnected());
      request.onload = () => {
        if (request.status === 401) this.onSignedOut();
        if (request.status === 201 && request.response) resolve(request.response);
        else reject(new ChatError(request.response?.error ?? unexplained(request)));
      };
      signal.addEventListener("abort", () => request.abort());
      const form = new FormData();
      form.append("file", file, file.name || "file");
      request.send(form);
    });
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  async #request(method, path, body) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json" };
    if (method !== "GET") headers["X-CSRFToken"] = cookie("csrftoken");
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(path, {
        method,
        headers,
        credentials: "same-origin",
        signal: AbortSignal.timeout(PATIENCE_MS),
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch {
      throw ChatError.disconnected();
    }
    const answer = await response.json().catch(() => null);
    if (response.ok && answer === null) throw ChatError.disconnected(); // cut off midway, or not our server's words
    if (response.ok) return answer;
    if (response.status === 401) this.onSignedOut();
    throw new ChatError(answer?.error ?? unexplained(response));
  }
}

/** @param {{status: number}} response */
function unexplained({ status }) {
  return { code: "internal", message: `The server answered ${status}.`, retryable: status >= 500 };
}

/** @param {string} name */
function cookie(name) {
  const pair = document.cookie.split("; ").find((each) => each.startsWith(`${name}=`));
  return pair ? decodeURIComponent(pair.slice(name.length + 1)) : "";
}
