/**
 * Files on their way up, for the message that is being written in each conversation: uploaded as soon as they are
 * chosen, with how far they are; cancelled, or tried again after a failure. No DOM.
 */

import { ChatError } from "./errors.js";
import { newId } from "./ids.js";
import { backOff, pause } from "./waiting.js";

/** @typedef {import("./types.js").Attachment} Attachment */
/**
 * @typedef {object} Upload
 * @property {string} key
 * @property {File} file
 * @property {"uploading" | "ready" | "failed"} state
 * @property {number} progress 0 to 1
 * @property {Attachment} [attachment] when it is ready
 * @property {string} [reason] why it failed
 * @property {AbortController} abort
 */

export const MOST = 5;
const TRIES = 5;
const LARGEST = 10 * 1024 * 1024;

export class Uploads {
  /** @type {Map<string, Upload[]>} */ #of = new Map();

  /**
   * @param {object} options
   * @param {(file: File, onProgress: (share: number) => void, signal: AbortSignal) => Promise<Attachment>} options.send
   * @param {() => void} options.onChange
   */
  constructor({ send, onChange }) {
    this.send = send;
    this.onChange = onChange;
  }

  /** @param {string | null} conversationId @returns {Upload[]} */
  of(conversationId) {
    return (conversationId && this.#of.get(conversationId)) || [];
  }

  /** @param {string} conversationId @param {Iterable<File>} files @returns {number} how many were too many */
  add(conversationId, files) {
    const uploads = [...this.of(conversationId)];
    const chosen = [...files];
    for (const file of chosen.splice(0, MOST - uploads.length)) {
      /** @type {Upload} */
      const upload = {
        key: newId(),
        file,
        state: "uploading",
        progress: 0,
        abort: new AbortController(),
      };
      uploads.push(upload);
      void this.#begin(upload);
    }
    this.#of.set(conversationId, uploads);
    this.onChange();
    return chosen.length;
  }

  /** @param {string} conversationId @param {string} key */
  remove(conversationId, key) {
    const upload = this.of(conversationId).find((each) => each.key === key);
    upload?.abort.abort();
    this.#of.set(
      conversationId,
      this.of(conversationId).filter((each) => each !== upload),
    );
    this.onChange();
  }

  /** @param {string} conversationId @param {string} key */
  retry(conversationId, key) {
    const upload = this.of(conversationId).find((each) => each.key === key);
    if (upload) void this.#begin(upload);
  }

  /** Those that are ready, which now belong to a message. @param {string} conversationId @returns {Attachment[]} */
  take(conversationId) {
    const ready = this.of(conversationId).flatMap(({ attachment }) => attachment ?? []);
    this.#of.delete(conversationId);
    this.onChange();
    return ready;
  }

  /** @param {Upload} upload */
  async #begin(upload) {
    Object.assign(upload, { state: "uploading", progress: 0, reason: undefined });
    this.onChange();
    try {
      if (upload.file.size > LARGEST) throw new Error("More than 10 MB.");
      upload.attachment = await this.#sent(upload);
      upload.state = "ready";
    } catch (error) {
      upload.state = "failed";
      upload.reason = error instanceof Error ? error.message : String(error);
    }
    this.onChange();
  }

  /** Sends it; again, where the line breaks or the server is busy. @param {Upload} upload @returns {Promise<Attachment>} */
  async #sent(upload) {
    const { file, abort } = upload;
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.send(file, (share) => this.#progressed(upload, share), abort.signal);
      } catch (error) {
        if (!(error instanceof ChatError) || !error.retryable || abort.signal.aborted) throw error;
        if (tried >= TRIES && error.code !== "disconnected") throw error; // a line that is gone comes back some time
        this.#progressed(upload, 0);
        await pause((error.retryAfter ?? 0) + backOff(tried));
      }
    }
  }

  /** @param {Upload} upload @param {number} share */
  #progressed(upload, share) {
    upload.progress = share;
    this.onChange();
  }
}
