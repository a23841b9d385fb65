/**
 * Where messages are kept until they are known to have arrived: IndexedDB, so that they outlive a reload, a crash and
 * an empty battery; the memory alone where there is none. Each person's are their own. No DOM.
 */

/** @typedef {import("./types.js").Attachment} Attachment */
/** @typedef {import("./types.js").Reply} Reply */
/**
 * @typedef {object} Letter a message that is on its way
 * @property {number} number its place in the order of writing, over all windows of this browser
 * @property {string} userId who has written it
 * @property {string} clientId
 * @property {string} conversationId
 * @property {string} content
 * @property {Attachment[]} attachments
 * @property {Reply | null} replyTo
 * @property {string} createdAt
 * @property {"pending" | "failed" | "held"} state
 * @property {string} [reason] why it failed
 *
 * @typedef {object} Letters
 * @property {(userId: string) => Promise<Letter[]>} all in the order of writing
 * @property {(letter: Letter) => Promise<void>} add
 * @property {(letter: Letter) => Promise<void>} update one that was not removed meanwhile
 * @property {(clientId: string) => Promise<void>} remove
 * @property {(userId: string) => Promise<void>} clear
 */

const STORE = "letters";
const OPENS_WITHIN_MS = 3000;

/** @returns {Promise<Letters>} */
export async function openLetters() {
  try {
    return inDatabase(await within(OPENS_WITHIN_MS, opened()));
  } catch {
    return inMemory(); // none here, as in private windows of some browsers
  }
}

/** @returns {Promise<IDBDatabase>} */
async function opened() {
  const request = indexedDB.open("localroots-chat", 1);
  request.onupgradeneeded = () => {
    const letters = request.result.createObjectStore(STORE, { keyPath: "clientId" });
    letters.createIndex("in order", ["userId", "number"]);
  };
  return answered(request);
}

/** @param {IDBDatabase} database @returns {Letters} */
function inDatabase(database) {
  const of = (/** @type {string} */ userId) => IDBKeyRange.bound([userId], [userId, Infinity]);
  const write = (/** @type {(letters: IDBObjectStore) => void} */ change) => {
    // "strict": it is on the disk before it is said to be kept.
    const transaction = database.transaction(STORE, "readwrite", { durability: "strict" });
    change(transaction.objectStore(STORE));
    return completed(transaction);
  };
  return {
    all: (userId) => {
      const letters = database.transaction(STORE).objectStore(STORE);
      return answered(letters.index("in order").getAll(of(userId)));
    },
    add: (letter) => write((letters) => letters.add(letter)),
    update: (letter) =>
      write((letters) => {
        const held = letters.getKey(letter.clientId);
        held.onsuccess = () => held.result !== undefined && letters.put(letter);
      }),
    remove: (clientId) => write((letters) => letters.delete(clientId)),
    clear: (userId) =>
      write((letters) => {
        const found = letters.index("in order").getAllKeys(of(userId));
        found.onsuccess = () => found.result.forEach((key) => letters.delete(key));
      }),
  };
}

/** @param {Letter[]} [held] @returns {Letters} */
export function inMemory(held = []) {
  const letters = new Map(held.map((letter) => [letter.clientId, letter]));
  return {
    all: async (userId) => [...letters.values()].filter((letter) => letter.userId === userId),
    add: async (letter) => void letters.set(letter.clientId, letter),
    update: async (letter) => void (letters.has(letter.clientId) && letters.set(letter.clientId, letter)),
    remove: async (clientId) => void letters.delete(clientId),
    clear: async () => letters.clear(),
  };
}

/** Safari has opened databases that never opened: a message must not wait for that.
 * @template T @param {number} milliseconds @param {Promise<T>} work @returns {Promise<T>} */
function within(milliseconds, work) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("too long")), milliseconds);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function answered(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
function completed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}
