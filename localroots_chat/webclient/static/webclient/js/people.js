/** How people and conversations are called on this page. No DOM. */

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").User} User */

/** The other one of a direct conversation. @param {Conversation} conversation @param {User} me
 * @returns {User | null} */
export function otherPerson(conversation, me) {
  if (conversation.type !== "DIRECT") return null;
  return conversation.participants.find(({ user }) => user.id !== me.id)?.user ?? null;
}

/** @param {Conversation} conversation @param {User} me */
export function conversationName(conversation, me) {
  if (conversation.group) return conversation.group.name;
  return otherPerson(conversation, me)?.name || "Someone";
}

/** @param {Conversation} conversation @param {string} userId */
export function participantName(conversation, userId) {
  return conversation.participants.find(({ user }) => user.id === userId)?.user.name || "Someone";
}

/** Whose picture stands for the conversation. @param {Conversation} conversation @param {User} me */
export function conversationFace(conversation, me) {
  const { group, id } = conversation;
  if (group) return { id: group.id, name: group.name, image: group.imageUrl, group: true };
  const other = otherPerson(conversation, me);
  return { id: other?.id ?? id, name: other?.name ?? "", image: other?.image ?? null };
}

/** @param {string} name */
export function firstName(name) {
  return name.trim().split(/\s+/)[0] || "Someone";
}

/** @param {{role: string}} user */
export function roleName({ role }) {
  return { FARMER: "Farmer", CUSTOMER: "Customer", ADMIN: "Administrator" }[role] ?? "";
}

/** How many are in a group, in words. */
export function membersOf({ participantCount }) {
  return participantCount === 1 ? "1 member" : `${participantCount} members`;
}
