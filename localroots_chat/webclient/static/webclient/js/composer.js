/**
 * Where a message is written. Enter sends, Shift+Enter begins a line; while an input method is composing, Enter belongs
 * to it. What was begun in a conversation is still there when its writer comes back to it.
 */

import { byId } from "./dom.js";

const LONGEST = 4000; // characters after NFC, as the server counts

export class Composer {
  #form = /** @type {HTMLFormElement} */ (byId("composer"));
  #text = /** @type {HTMLTextAreaElement} */ (byId("composer-text"));
  #send = /** @type {HTMLButtonElement} */ (this.#form.querySelector("[type=submit]"));
  #note = byId("composer-note");
  /** @type {Map<string, string>} */ #drafts = new Map();
  /** @type {string | null} */ #conversationId = null;

  /**
   * @param {object} options
   * @param {(conversationId: string, content: string) => void} options.onSend
   * @param {(conversationId: string, writing: boolean) => void} options.onWriting
   */
  constructor({ onSend, onWriting }) {
    this.onSend = onSend;
    this.onWriting = onWriting;
    this.#text.addEventListener("keydown", (event) => this.#pressed(event));
    this.#text.addEventListener("input", () => this.#changed());
    this.#text.addEventListener("blur", () => this.#writing(false));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
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
    this.#fit();
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
    const content = this.#text.value.trim();
    if (!content || this.#send.disabled || this.#conversationId === null) return;
    this.#text.value = "";
    this.#fit();
    this.#writing(false);
    this.onSend(this.#conversationId, content);
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
    this.#note.textContent = tooLong ? `${length - LONGEST} characters too long` : "";
    this.#send.disabled = length === 0 || tooLong;
  }
}
