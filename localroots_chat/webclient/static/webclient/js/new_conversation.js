/** The dialog that finds a person and begins (or finds again) the conversation with them. */

import { avatar } from "./avatar.js";
import { byId, el } from "./dom.js";
import { ChatError } from "./errors.js";
import { roleName } from "./people.js";

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").User} User */

const PAUSE = 200; // after the last key, before asking

export class NewConversation {
  #dialog = /** @type {HTMLDialogElement} */ (byId("people-dialog"));
  #search = /** @type {HTMLInputElement} */ (byId("people-search"));
  #people = byId("people");
  #note = byId("people-note");
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #asked = 0;

  /**
   * @param {object} options
   * @param {import("./api.js").Api} options.api
   * @param {User} options.me
   * @param {(conversation: Conversation) => void} options.onStarted
   */
  constructor({ api, me, onStarted }) {
    this.api = api;
    this.me = me;
    this.onStarted = onStarted;
    const button = /** @type {HTMLButtonElement} */ (byId("new-conversation"));
    button.addEventListener("click", () => this.#open());
    button.disabled = false; // it could do nothing before this script had come
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#find(), PAUSE);
    });
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close(); // the backdrop
    });
  }

  #open() {
    this.#search.value = "";
    this.#people.replaceChildren();
    this.#dialog.showModal();
    if (matchMedia("(hover: hover) and (pointer: fine)").matches) this.#search.focus();
    void this.#find();
  }

  async #find() {
    const asked = ++this.#asked;
    const search = this.#search.value.trim();
    try {
      const people = (await this.api.people(search)).filter(({ id }) => id !== this.me.id);
      if (asked !== this.#asked) return; // a later key's answer is on its way
      this.#people.replaceChildren(...people.map((person) => this.#person(person)));
      this.#note.textContent = people.length === 0 ? "Nobody found by that name." : "";
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @param {User} person */
  #person(person) {
    const onclick = () => this.#start(person);
    return el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: "person", onclick },
        avatar(person),
        el("span", { class: "person-name", text: person.name }),
        el("span", { class: "person-role", text: roleName(person) }),
      ),
    );
  }

  /** @param {User} person */
  async #start({ id }) {
    try {
      const conversation = await this.api.converseWith(id);
      this.#dialog.close();
      this.onStarted(conversation);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    if (!(error instanceof ChatError)) throw error;
    this.#note.textContent = error.message;
  }
}
