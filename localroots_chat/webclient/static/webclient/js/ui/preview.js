/** What a message says in one line or none: the text, or what stands for it where there is none. No DOM. */

/** @typedef {import("../core/types.js").Message} Message */

/** @param {Message} message @returns {string | null} what to show instead of the content, if anything */
export function standIn(message) {
  if (message.hidden) return "Message from someone you blocked";
  if (message.deletedAt) return "Message deleted";
  return null;
}

/** @param {Message} message */
export function oneLine(message) {
  return standIn(message) ?? (message.content.replace(/\s+/g, " ") || files(message));
}

/** @param {Pick<Message, "type" | "attachments">} message */
function files({ type, attachments = [] }) {
  if (attachments.every((each) => each.type.startsWith("audio/")) && attachments.length) return "Voice note";
  const one = type === "IMAGE" ? "Photo" : "File";
  return attachments.length > 1 ? `${attachments.length} ${one.toLowerCase()}s` : one;
}

/** What of a message is quoted where it is answered. @param {Message} message */
export function excerptOf(message) {
  return oneLine(message).slice(0, 120);
}
