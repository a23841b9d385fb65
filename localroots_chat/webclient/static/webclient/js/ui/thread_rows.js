/**
 * Decides what a thread shows, from top to bottom: day separators, where the unread begins, messages and who begins a
 * run of them, what is still on its way, and how far the others have read. No DOM; message_list.js draws what this says.
 */

import { firstName } from "../core/people.js";
import { day, dayKey } from "./time.js";

/** @typedef {import("../core/types.js").Conversation} Conversation */
/** @typedef {import("../core/types.js").Message} Message */
/** @typedef {import("../core/types.js").User} User */
/** @typedef {import("../core/letters.js").Letter} Letter */
/**
 * @typedef {{kind: "beginning" | "older" | "newer" | "unread", key: string} | {kind: "day", key: string, label: string}
 *   | {kind: "message", key: string, message: Message, own: boolean, named: boolean, begins: boolean, ends: boolean}
 *   | {kind: "letter", key: string, letter: Letter, begins: boolean}
 *   | {kind: "seen", key: string, label: string, message: Message}} ThreadRow
 */

const RUN = 5 * 60_000; // messages closer than this, by one person, stand together
const NAMED_READERS = 3;

/** What decides about runs, of a message or a letter.
 * @typedef {Pick<Message, "senderId" | "createdAt" | "type">} Placed */

/**
 * @param {object} thread
 * @param {Message[]} thread.messages
 * @param {boolean} thread.hasOlder
 * @param {boolean} thread.hasNewer
 * @param {Letter[]} thread.letters
 * @param {number | null} thread.unreadFrom the seq behind which the unread begins
 * @param {Conversation} thread.conversation
 * @param {User} thread.me
 * @returns {ThreadRow[]}
 */
export function threadRows({ messages, hasOlder, hasNewer, letters, unreadFrom, conversation, me }) {
  // The answer to a send may be lost and the message be here all the same.
  const arrived = new Set(messages.map(({ clientId }) => clientId));
  const waiting = letters.filter(({ clientId }) => !arrived.has(clientId));
  const begins = runBeginnings([...messages, ...waiting.map(({ createdAt }) => asOwn(createdAt, me))]);
  const seen = seenMark(messages, conversation, me);
  const unread = unreadFrom === null ? -1 : messages.findIndex((each) => each.seq > unreadFrom && isNews(each, me));

  /** @type {ThreadRow[]} */
  const rows = [hasOlder ? { kind: "older", key: "older" } : { kind: "beginning", key: "beginning" }];
  messages.forEach((message, index) => {
    const { senderId, createdAt, seq, clientId } = message;
    const newDay = index === 0 || dayKey(createdAt) !== dayKey(messages[index - 1].createdAt);
    if (newDay) rows.push({ kind: "day", key: `day ${dayKey(createdAt)} ${seq}`, label: day(createdAt) });
    if (index === unread) rows.push({ kind: "unread", key: "unread" });
    const own = senderId === me.id;
    rows.push({
      kind: "message",
      key: own && clientId ? `own ${clientId}` : message.id, // the same row from writing to delivery
      message,
      own,
      named: conversation.type === "GROUP" && !own,
      begins: begins[index] || index === unread,
      ends: begins[index + 1] ?? true,
    });
    if (message === seen?.message) rows.push({ kind: "seen", key: "seen", ...seen });
  });
  if (hasNewer) rows.push({ kind: "newer", key: "newer" });
  waiting.forEach((letter, index) =>
    rows.push({ kind: "letter", key: `own ${letter.clientId}`, letter, begins: begins[messages.length + index] }),
  );
  return rows;
}

/** @param {Message} message @param {User} me */
function isNews({ senderId, type, deletedAt, hidden }, me) {
  return senderId !== me.id && type !== "SYSTEM" && !deletedAt && !hidden;
}

/** For each, whether it begins a run of messages that stand together. @param {Placed[]} placed */
function runBeginnings(placed) {
  return placed.map((each, index) => {
    const before = placed[index - 1];
    if (!before || before.type === "SYSTEM" || before.senderId !== each.senderId) return true;
    const apart = Date.parse(each.createdAt) - Date.parse(before.createdAt);
    return apart > RUN || dayKey(before.createdAt) !== dayKey(each.createdAt);
  });
}

/** @param {string} createdAt @param {User} me @returns {Placed} */
function asOwn(createdAt, me) {
  return { senderId: me.id, createdAt, type: "TEXT" };
}

/** The last own message that somebody else has read, and by whom.
 * @param {Message[]} messages @param {Conversation} conversation @param {User} me */
function seenMark(messages, conversation, me) {
  const others = conversation.participants.filter(({ user }) => user.id !== me.id);
  const furthest = Math.max(0, ...others.map(({ lastReadSeq }) => lastReadSeq ?? 0));
  const message = [...messages]
    .reverse()
    .find(({ senderId, seq, type }) => senderId === me.id && type !== "SYSTEM" && seq <= furthest);
  if (!message) return null;
  const readers = others.filter(({ lastReadSeq }) => (lastReadSeq ?? 0) >= message.seq);
  return { message, label: seenLabel(conversation, readers.map(({ user }) => firstName(user.name))) };
}

/** @param {Conversation} conversation @param {string[]} names */
function seenLabel({ type }, names) {
  if (type === "DIRECT") return "Seen";
  return names.length > NAMED_READERS ? `Seen by ${names.length}` : `Seen by ${names.join(", ")}`;
}
