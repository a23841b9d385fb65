/** What a message says in one line or none: the text, or what stands for it where there is none. No DOM. */

/** @typedef {import("./types.js").Message} Message */

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

/** @param {Message} message */
function files({ type, attachments = [] }) {
  if (attachments.every((each) => each.type.startsWith("audio/")) && attachments.length) return "Voice note";
  const one = type === "IMAGE" ? "Photo" : "File";
  return attachments.length > 1 ? `${attachments.length} ${one.toLowerCase()}s` : one;
}
