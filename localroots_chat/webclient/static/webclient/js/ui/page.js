/**
 * What the parts of the page share, beside the chat itself: drafts, uploads, and a place to say what went wrong.
 */

import { ChatError } from "../core/errors.js";
import { Uploads } from "../core/uploads.js";
import { Drafts } from "./drafts.js";
import { Edits } from "./edits.js";
import { forgetEmoji } from "./emoji_data.js";
import { lighter } from "./lighter_pictures.js";
import { signOutOfSession } from "./session.js";

/** @typedef {import("../core/client.js").ChatClient} ChatClient */

export class Page {
  /** @type {string} */ notice = "";

  /** @param {ChatClient} chat */
  constructor(chat) {
    const onChange = () => chat.store.changed();
    this.chat = chat;
    this.me = chat.store.me;
    this.drafts = new Drafts({ userId: this.me.id, onChange });
    this.edits = new Edits({ onChange });
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

  /** How much was begun and has not arrived: messages on their way or refused, drafts, files. */
  get unsent() {
    return this.chat.outbox.letters.length + this.drafts.count + this.uploads.count;
  }

  /** Here and in the browser's other windows. Nothing of this person stays in the browser, once they are out. */
  async signOut() {
    await signOutOfSession();
    this.uploads.forget();
    this.drafts.forget();
    forgetEmoji();
    await this.chat.outbox.clear();
    this.chat.tabs.tell("signed out");
    location.assign("/sign-in/");
  }
}
