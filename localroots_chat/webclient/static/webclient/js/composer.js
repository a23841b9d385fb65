/**
 * Where a message is written. Enter sends, Shift+Enter begins a line; while an input method is composing, Enter belongs
 * to it. What was begun in a conversation is still there when its writer comes back to it.
 */

import { byId, redraw } from "./dom.js";
import { trayRow } from "./tray.js";
import { MOST } from "./uploads.js";

/** @typedef {import("./types.js").Attachment} Attachment */

const LONGEST = 4000; // characters after NFC, as the server counts

export class Composer {
  #form = /** @type {HTMLFormElement} */ (byId("composer"));
  #text = /** @type {HTMLTextAreaElement} */ (byId("composer-text"));
  #send = /** @type {HTMLButtonElement} */ (this.#form.querySelector("[type=submit]"));
  #note = byId("composer-note");
  #tray = byId("composer-tray");
  #tooMany = false;
  /** @type {Map<string, string>} */ #drafts = new Map();
  /** @type {string | null} */ #conversationId = null;

  /**
   * @param {object} options
   * @param {import("./uploads.js").Uploads} options.uploads
   * @param {(conversationId: string, content: string, attachments: Attachment[]) => void} options.onSend
   * @param {(conversationId: string, writing: boolean) => void} options.onWriting
   */
  constructor({ uploads, onSend, onWriting }) {
    this.uploads = uploads;
    this.onSend = onSend;
    this.onWriting = onWriting;
    this.#text.addEventListener("keydown", (event) => this.#pressed(event));
    this.#text.addEventListener("input", () => this.#changed());
    this.#text.addEventListener("blur", () => this.#writing(false));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#takeFiles();
    this.#fit();
  }

  /** Picked, taken with the camera, dropped onto the thread, or pasted. */
  #takeFiles() {
    for (const id of ["composer-files", "composer-camera"]) {
      const input = /** @type {HTMLInputElement} */ (byId(id));
      byId(`${id}-button`).addEventListener("click", () => input.click());
      input.addEventListener("change", () => {
        this.#attach(input.files ?? []);
        input.value = "";
      });
    }
    this.#text.addEventListener("paste", (event) => {
      const files = event.clipboardData?.files ?? [];
      if (files.length === 0) return;
      event.preventDefault();
      this.#attach(files);
    });
    const thread = byId("thread");
    thread.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      thread.classList.add("receives-files");
    });
    thread.addEventListener("dragleave", (event) => {
      if (!thread.contains(/** @type {Node | null} */ (event.relatedTarget))) thread.classList.remove("receives-files");
    });
    thread.addEventListener("drop", (event) => {
      thread.classList.remove("receives-files");
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      this.#attach(event.dataTransfer.files);
    });
  }

  /** @param {Iterable<File>} files */
  #attach(files) {
    if (this.#conversationId === null) return;
    this.#tooMany = this.uploads.add(this.#conversationId, files) > 0;
    this.#fit();
  }

  drawTray() {
    const conversationId = this.#conversationId;
    const rows = this.uploads.of(conversationId).map((upload) =>
      trayRow(upload, {
        remove: () => this.uploads.remove(conversationId ?? "", upload.key),
        retry: () => this.uploads.retry(conversationId ?? "", upload.key),
      }),
    );
    this.#tray.hidden = rows.length === 0;
    redraw(this.#tray, rows);
    this.#fit();
  }

  /** @param {string | null} conversationId */
  openFor(conversationId) {
    if (this.#conversationId === conversationId) return;
    if (this.#conversationId !== null) {
      this.#writing(false);
      this.#drafts.set(this.#conversationId, this.#text.value);
    }
    this.#conversationId = conversationId;
    this.#text.value = (conversationId && this.#drafts.get(conversationId)) || "";
    this.#tooMany = false;
    this.drawTray();
    // On a touch screen focus would raise the keyboard over what one came to read.
    if (conversationId && matchMedia("(hover: hover) and (pointer: fine)").matches) this.#text.focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    // Safari ends a composition before the Enter that ended it; 229 is how that Enter still tells.
    const composing = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || composing) return;
    event.preventDefault();
    this.#submit();
  }

  #changed() {
    this.#fit();
    this.#writing(this.#text.value.trim() !== "");
  }

  #submit() {
    if (this.#send.disabled || this.#conversationId === null) return;
    const content = this.#text.value.trim();
    this.#text.value = "";
    this.#tooMany = false;
    const attachments = this.uploads.take(this.#conversationId);
    this.#fit();
    this.#writing(false);
    this.onSend(this.#conversationId, content, attachments);
    this.#text.focus();
  }

  /** @param {boolean} writing */
  #writing(writing) {
    if (this.#conversationId !== null) this.onWriting(this.#conversationId, writing);
  }

  #fit() {
    this.#text.rows = this.#text.value.split("\n").length; // where CSS cannot size it by its content
    const length = [...this.#text.value.trim().normalize("NFC")].length;
    const tooLong = length > LONGEST;
    const uploads = this.uploads.of(this.#conversationId);
    const ready = uploads.every(({ state }) => state === "ready");
    const tooMany = this.#tooMany ? `At most ${MOST} files go with a message` : "";
    this.#note.textContent = tooLong ? `${length - LONGEST} characters too long` : tooMany;
    this.#send.disabled = (length === 0 && uploads.length === 0) || !ready || tooLong;
  }
}
