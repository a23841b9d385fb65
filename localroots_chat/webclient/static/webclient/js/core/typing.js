/**
 * Who is typing. TypingSignal tells the others about oneself, sparingly; TypingBoard remembers what was told about them
 * and forgets it on its own, since the one who types may vanish without saying so. No DOM.
 */

import { firstName, participantName } from "./people.js";

/** @typedef {import("./types.js").Conversation} Conversation */

const SAY_AGAIN = 3000;
const FORGET = 6000;
const IDLE = 5000;

export class TypingSignal {
  /** @type {string | null} */ #said = null;
  #saidAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #idle;

  /** @param {(event: "typing:start" | "typing:stop", conversationId: string) => void} tell */
  constructor(tell) {
    this.tell = tell;
  }

  /** @param {string} conversationId @param {boolean} writing */
  update(conversationId, writing) {
    clearTimeout(this.#idle);
    if (!writing) return this.#stop(conversationId);
    this.#idle = setTimeout(() => this.#stop(conversationId), IDLE);
    if (this.#said === conversationId && Date.now() - this.#saidAt < SAY_AGAIN) return;
    this.#said = conversationId;
    this.#saidAt = Date.now();
    this.tell("typing:start", conversationId);
  }

  /** @param {string} conversationId */
  #stop(conversationId) {
    if (this.#said !== conversationId) return;
    this.#said = null;
    this.tell("typing:stop", conversationId);
  }
}

export class TypingBoard {
  /** Conversation, then person, to the timer that forgets them.
   * @type {Map<string, Map<string, ReturnType<typeof setTimeout>>>} */
  #typing = new Map();

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
  }

  /** @param {string} conversationId @param {string} userId */
  started(conversationId, userId) {
    const people = this.#typing.get(conversationId) ?? new Map();
    clearTimeout(people.get(userId));
    people.set(
      userId,
      setTimeout(() => this.stopped(conversationId, userId), FORGET),
    );
    this.#typing.set(conversationId, people);
    this.onChange();
  }

  /** @param {string} conversationId @param {string | null | undefined} userId */
  stopped(conversationId, userId) {
    const people = this.#typing.get(conversationId);
    if (!userId || !people?.has(userId)) return;
    clearTimeout(people.get(userId));
    people.delete(userId);
    this.onChange();
  }

  /** @param {string} conversationId */
  whoIn(conversationId) {
    return [...(this.#typing.get(conversationId)?.keys() ?? [])];
  }

  /** @param {Conversation} conversation */
  line(conversation) {
    const names = this.whoIn(conversation.id).map((id) => firstName(participantName(conversation, id)));
    if (names.length === 0) return "";
    if (names.length === 1) return `${names[0]} is typing…`;
    return names.length === 2 ? `${names[0]} and ${names[1]} are typing…` : "Several people are typing…";
  }
}
