/** Draws one row of a thread. Every piece of data becomes text; nothing that was written is read as markup. */

import { avatar } from "./avatar.js";
import { el } from "./dom.js";
import { fileOf } from "./files.js";
import { standIn } from "./preview.js";
import { clock } from "./time.js";

/** @typedef {import("./thread_rows.js").ThreadRow} ThreadRow */
/** @typedef {import("./dom.js").Row} Row */
/** @typedef {{retry: (clientId: string) => void, discard: (clientId: string) => void}} LetterActions */

/** @param {ThreadRow} row @param {LetterActions} actions @returns {Row} */
export function messageRow(row, actions) {
  return { key: key(row), signature: signature(row), build: () => build(row, actions) };
}

/** One's own message keeps its row from writing to delivery, hence the clientId. @param {ThreadRow} row */
function key(row) {
  if (row.kind === "message")
    return row.own && row.message.clientId ? `own ${row.message.clientId}` : row.message.id;
  if (row.kind === "letter") return `own ${row.letter.clientId}`;
  return row.kind === "day" ? `day ${row.key}` : row.kind;
}

/** @param {ThreadRow} row */
function signature(row) {
  if (row.kind === "message") {
    // A sound that is being played would stop where its row is made anew.
    const sounds = row.message.attachments?.some(({ type }) => type.startsWith("audio/"));
    return sounds ? String(row.message.version) : `${row.message.version} ${row.begins} ${row.ends}`;
  }
  return JSON.stringify(row);
}

/** @param {ThreadRow} row @param {LetterActions} actions */
function build(row, actions) {
  switch (row.kind) {
    case "beginning":
      return el("li", { class: "thread-note", text: "This is where the conversation begins." });
    case "day":
      return el("li", { class: "day" }, el("span", { text: row.label }));
    case "seen":
      return el("li", { class: "seen", text: row.label });
    case "letter":
      return letter(row, actions);
    case "message":
      return row.message.type === "SYSTEM" ? notice(row) : message(row);
  }
}

/** @param {Extract<ThreadRow, {kind: "message"}>} row */
function notice({ message }) {
  return el("li", { class: "thread-note", text: message.content });
}

/** @param {Extract<ThreadRow, {kind: "message"}>} row */
function message({ message, own, named, begins, ends }) {
  const { sender, createdAt } = message;
  const edited = Boolean(message.editedAt && !message.deletedAt);
  return el(
    "li",
    // What one wrote oneself need not be read out.
    {
      class: classes("message", { own, named, begins, ends }),
      "aria-live": own ? "off" : null,
      "data-seq": message.seq,
    },
    named && begins && sender && avatar(sender, "small"),
    named && begins && el("p", { class: "sender", text: sender?.name || "Someone" }),
    !named &&
      el("span", { class: "visually-hidden", text: own ? "You: " : `${sender?.name || "Someone"}: ` }),
    bubble(message),
    el("p", { class: "message-detail" }, edited && el("span", { text: "edited " }), timeOf(createdAt)),
  );
}

/** @param {import("./types.js").Message} message */
function bubble(message) {
  const instead = standIn(message);
  const files = message.attachments ?? [];
  const text = instead ?? message.content;
  return el(
    "div",
    { class: classes("bubble", { quiet: instead !== null, bare: files.length > 0 && !text }) },
    ...files.map(fileOf),
    text && el("p", { class: "content", dir: "auto", text }),
  );
}

/** @param {Extract<ThreadRow, {kind: "letter"}>} row @param {LetterActions} actions */
function letter({ letter, begins }, { retry, discard }) {
  const { clientId, content, attachments, state, createdAt, reason } = letter;
  const detail = { pending: "Sending…", held: "Waits for a moderator ", failed: `Not sent. ${reason ?? ""}` }[
    state
  ];
  return el(
    "li",
    {
      class: classes("message own", { begins, [state]: true }),
      "aria-live": state === "pending" ? "off" : null,
    },
    el(
      "div",
      { class: classes("bubble", { bare: attachments.length > 0 && !content }) },
      ...attachments.map(fileOf),
      content && el("p", { class: "content", dir: "auto", text: content }),
    ),
    el(
      "p",
      { class: "message-detail" },
      el("span", { text: detail }),
      state === "failed" && button("Try again", () => retry(clientId)),
      state === "failed" && button("Discard", () => discard(clientId)),
      state === "held" && timeOf(createdAt),
    ),
  );
}

/** @param {string} text @param {() => void} onclick */
function button(text, onclick) {
  return el("button", { type: "button", class: "text-button", text, onclick });
}

/** @param {string} iso */
function timeOf(iso) {
  return el("time", { datetime: iso, text: clock(iso) });
}

/** @param {string} always @param {Record<string, boolean>} sometimes */
function classes(always, sometimes) {
  return [always, ...Object.keys(sometimes).filter((name) => sometimes[name])].join(" ");
}
