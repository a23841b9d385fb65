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
 * @property {File} file as it was chosen
 * @property {File} [prepared] as it is sent
 * @property {"uploading" | "ready" | "failed"} state
 * @property {number} progress 0 to 1
 * @property {Attachment} [attachment] when it is ready
 * @property {string} [reason] why it failed
 * @property {AbortController} abort
 */

export const MOST = 5;
const TRIES = 5;
const STEPS = 50;
const LARGEST = 10 * 1024 * 1024;

export class Uploads {
  /** @type {Map<string, Upload[]>} */ #of = new Map();

  /**
   * @param {object} options
   * @param {(file: File) => Promise<File>} options.prepare makes it lighter, where that can be done
   * @param {(file: File, onProgress: (share: number) => void, signal: AbortSignal) => Promise<Attachment>} options.send
   * @param {() => void} options.onChange
   */
  constructor({ prepare, send, onChange }) {
    this.prepare = prepare;
    this.send = send;
    this.onChange = onChange;
  }

  /** How many are attached to what is not sent yet. */
  get count() {
    return [...this.#of.values()].reduce((sum, uploads) => sum + uploads.length, 0);
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

  /** All of them, as on signing out. */
  forget() {
    for (const uploads of this.#of.values()) for (const { abort } of uploads) abort.abort();
    this.#of.clear();
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
      upload.prepared ??= await this.prepare(upload.file);
      if (upload.prepared.size > LARGEST) throw new Error("More than 10 MB.");
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
    const { file, prepared = file, abort } = upload;
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.send(prepared, (share) => this.#progressed(upload, share), abort.signal);
      } catch (error) {
        if (!(error instanceof ChatError) || !error.retryable || abort.signal.aborted) throw error;
        if (tried >= TRIES && error.code !== "disconnected") throw error; // a line that is gone comes back some time
        this.#progressed(upload, 0);
        await pause((error.retryAfter ?? 0) + backOff(tried));
      }
    }
  }

  /** In steps that can be seen. @param {Upload} upload @param {number} share */
  #progressed(upload, share) {
    const before = Math.round(upload.progress * STEPS);
    upload.progress = share;
    if (Math.round(share * STEPS) !== before) this.onChange();
  }
}
