/**
 * What the parts of the page share, beside the chat itself: drafts, uploads, and a place to say what went wrong.
 */

import { ChatError } from "../core/errors.js";
import { Uploads } from "../core/uploads.js";
import { Drafts } from "./drafts.js";
import { lighter } from "./lighter_pictures.js";

/** @typedef {import("../core/client.js").ChatClient} ChatClient */

export class Page {
  /** @type {string} */ notice = "";

  /** @param {ChatClient} chat */
  constructor(chat) {
    const onChange = () => chat.store.changed();
    this.chat = chat;
    this.me = chat.store.me;
    this.drafts = new Drafts({ userId: this.me.id, onChange });
    this.blocks = chat.blocks;
    this.uploads = new Uploads({
      prepare: lighter,
      send: (file, onProgress, signal) => chat.rest.upload(file, onProgress, signal),
      onChange,
    });
  }

  /** Something that somebody wants done: where it fails, they are told why. @param {Promise<unknown>} work */
  async attempt(work) {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      this.notify(error.message);
    }
  }

  /** @param {string} notice "" takes it away */
  notify(notice) {
    this.notice = notice;
    this.chat.store.changed();
  }

  /** Nothing of this person stays in the browser. */
  async forget() {
    this.drafts.clear();
    await this.chat.outbox.clear();
  }
}
