/** How people and conversations are called. No DOM. */

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

/** @param {Conversation} conversation @param {string | null | undefined} userId */
export function participantName(conversation, userId) {
  return conversation.participants.find(({ user }) => user.id === userId)?.user.name || "Someone";
}

/** In a crowd not all members are told by name, but who has spoken is. @param {import("./store.js").Store} store
 * @param {Conversation} conversation @param {string | null} userId */
export function nameIn(store, conversation, userId) {
  const spoken = store.thread(conversation.id)?.list.find(({ senderId }) => senderId === userId);
  return spoken?.sender?.name || participantName(conversation, userId);
}

/** @param {string} name */
export function firstName(name) {
  return name.trim().split(/\s+/)[0] || "Someone";
}

/** @param {{role: string}} user */
export function roleName({ role }) {
  return { FARMER: "Farmer", CUSTOMER: "Customer", ADMIN: "Administrator" }[role] ?? "";
}

/** @param {string} category */
export function categoryName(category) {
  const names = { FOOD_SHARE: "Food share", NEWS: "News", RECIPES: "Recipes", TIPS: "Tips", LOCAL_EVENTS: "Local events" };
  return /** @type {Record<string, string>} */ (names)[category] ?? "General";
}

/** How many are in a group, in words. @param {number} count */
export function membersOf(count) {
  return count === 1 ? "1 member" : `${count.toLocaleString()} members`;
}
