/**
 * Decides what a thread shows, from top to bottom: day separators, messages and who begins a run of them, what is
 * still on its way, and how far the others have read. No DOM; message_row.js draws what this says.
 */

import { firstName } from "./people.js";
import { day, dayKey } from "./time.js";

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").User} User */
/** @typedef {import("./outbox.js").Letter} Letter */
/**
 * @typedef {{kind: "beginning"} | {kind: "day", label: string, key: string}
 *   | {kind: "message", message: Message, own: boolean, named: boolean, begins: boolean, ends: boolean}
 *   | {kind: "letter", letter: Letter, begins: boolean} | {kind: "seen", label: string}} ThreadRow
 */

const RUN = 5 * 60_000; // messages closer than this, by one person, stand together
const NAMED_READERS = 3;

/** What decides about runs, of a message or a letter.
 * @typedef {Pick<Message, "senderId" | "createdAt" | "type">} Placed */

/**
 * @param {{messages: Message[], hasOlder: boolean, letters: Letter[], conversation: Conversation, me: User}} thread
 * @returns {ThreadRow[]}
 */
export function threadRows({ messages, hasOlder, letters, conversation, me }) {
  // The answer to a send may be lost and the message be here all the same.
  const arrived = new Set(messages.map(({ clientId }) => clientId));
  const waiting = letters.filter(({ clientId }) => !arrived.has(clientId));
  const begins = runBeginnings([...messages, ...waiting.map(({ createdAt }) => asOwn(createdAt, me))]);
  const seen = seenMark(messages, conversation, me);

  /** @type {ThreadRow[]} */
  const rows = hasOlder ? [] : [{ kind: "beginning" }];
  messages.forEach((message, index) => {
    const { senderId, createdAt, seq } = message;
    const newDay = index === 0 || dayKey(createdAt) !== dayKey(messages[index - 1].createdAt);
    if (newDay) rows.push({ kind: "day", label: day(createdAt), key: String(seq) });
    const own = senderId === me.id;
    const named = conversation.type === "GROUP" && !own;
    rows.push({
      kind: "message",
      message,
      own,
      named,
      begins: begins[index],
      ends: begins[index + 1] ?? true,
    });
    if (message === seen?.message) rows.push({ kind: "seen", label: seen.label });
  });
  waiting.forEach((letter, index) =>
    rows.push({ kind: "letter", letter, begins: begins[messages.length + index] }),
  );
  return rows;
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
  const message = messages.findLast(
    ({ senderId, seq, type }) => senderId === me.id && type !== "SYSTEM" && seq <= furthest,
  );
  if (!message) return null;
  const readers = others.filter(({ lastReadSeq }) => (lastReadSeq ?? 0) >= message.seq);
  return {
    message,
    label: seenLabel(
      conversation,
      readers.map(({ user }) => firstName(user.name)),
    ),
  };
}

/** @param {Conversation} conversation @param {string[]} names */
function seenLabel({ type }, names) {
  if (type === "DIRECT") return "Seen";
  return names.length > NAMED_READERS ? `Seen by ${names.length}` : `Seen by ${names.join(", ")}`;
}
