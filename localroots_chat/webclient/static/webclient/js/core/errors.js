/**
 * What REST and the socket refuse with: one kind of error for both, since they share one vocabulary of codes.
 */

/** @typedef {import("./types.js").WireError} WireError */

export class ChatError extends Error {
  /** @param {WireError} error */
  constructor({ code, message, retryable = false, retryAfter, field }) {
    super(message);
    this.name = "ChatError";
    this.code = code;
    this.retryable = retryable;
    this.retryAfter = retryAfter; // seconds
    this.field = field;
  }

  /** The connection went away before an answer came; whether the command was carried out is unknown. */
  static disconnected() {
    return new ChatError({ code: "disconnected", message: "The connection was lost.", retryable: true });
  }
}
