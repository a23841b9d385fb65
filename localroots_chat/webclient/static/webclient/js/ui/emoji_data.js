/**
 * Emoji by their names, for what is typed as `:tomato:`. The data is that of the vendored
 * emoji-picker-element, kept in IndexedDB; nothing is loaded before it is first needed. No markup.
 */

/** @typedef {{emoji: string, shortcode: string}} Choice */
/**
 * @typedef {object} Emoji
 * @property {string} unicode
 * @property {number} version
 * @property {string[]} [shortcodes]
 * @property {{tone: unknown, unicode: string}[]} [skins]
 */

const VENDOR = new URL("../../vendor/emoji-picker-element/", import.meta.url);
const DATA = new URL("en.json", VENDOR).href;
const MOST = 6;
const NEWEST = 14; // of Emoji: a phone may have no picture of what came after 2021
const PAUSE = 30_000; // milliseconds after a failure, before typing alone makes it try again

const BEGUN = /(?:^|[\s([{])(:([a-z0-9_+-]{2,}))$/;
const CLOSED = /(?:^|[\s([{])(:([a-z0-9_+-]+):)$/;

/** @type {Promise<any> | undefined} */
let opening;

/** The library's Database, filled. Fails where the data or IndexedDB cannot be had. */
function openEmoji() {
  if (opening === undefined) {
    const mine = (opening = open());
    mine.catch(() => setTimeout(() => opening === mine && tryAgain(), PAUSE));
  }
  return opening;
}

/** Lets the next openEmoji try anew, at once. */
export function tryAgain() {
  opening = undefined;
}

/** Which emoji this person has used, as on signing out. */
export function forgetEmoji() {
  tryAgain();
  globalThis.indexedDB?.deleteDatabase("emoji-picker-element-en"); // the library's; loaded again when next needed
}

async function open() {
  const { default: Database } = await library("database.js");
  const database = new Database({ dataSource: DATA });
  await database.ready();
  return database;
}

/** A new element of the library, not in the page yet, whose data is there. @returns {Promise<HTMLElement>} */
export async function newPicker() {
  await openEmoji(); // first, since picker.js imports database.js
  const { default: Picker } = await library("picker.js");
  return new Picker({ dataSource: DATA });
}

/** One of its modules. In Chromium a failed import fails for good: fetch tells first. @param {string} name */
async function library(name) {
  const { href } = new URL(name, VENDOR);
  const answer = await fetch(href);
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return import(href);
}

/**
 * What `:tom` right before the caret may become; null where there is nothing of the kind.
 * @param {string} text
 * @param {number} caret
 * @returns {Promise<{from: number, to: number, query: string, choices: Choice[]} | null>}
 */
export async function completionsFor(text, caret) {
  const begun = BEGUN.exec(text.slice(0, caret));
  if (!begun) return null;
  const [, typed, query] = begun;
  const choices = await silently(async (database) => {
    const found = await database.getEmojiBySearchQuery(query);
    return ranked(found, query, await database.getPreferredSkinTone());
  });
  return choices?.length ? { from: caret - typed.length, to: caret, query, choices } : null;
}

/**
 * The text with `:tomato:`, right before the caret, as an emoji; null where there is nothing of the kind. The
 * text may be another one by the time it is there.
 * @param {string} text
 * @param {number} caret
 * @returns {Promise<{text: string, caret: number} | null>}
 */
export async function replacedShortcode(text, caret) {
  const closed = CLOSED.exec(text.slice(0, caret));
  if (!closed) return null;
  const [, typed, shortcode] = closed;
  const emoji = await silently(async (database) => {
    const found = await database.getEmojiByShortcode(shortcode);
    return found && toned(found, await database.getPreferredSkinTone());
  });
  if (!emoji) return null;
  const before = text.slice(0, caret - typed.length) + emoji;
  return { text: before + text.slice(caret), caret: before.length };
}

/**
 * Without the data nothing is offered, and nobody who only writes a message is told.
 * @template T
 * @param {(database: any) => Promise<T>} ask
 */
async function silently(ask) {
  try {
    return await ask(await openEmoji());
  } catch {
    return null;
  }
}

/**
 * Those whose name begins so before those that are only about it.
 * @param {Emoji[]} found
 * @param {string} query
 * @param {number} tone
 */
function ranked(found, query, tone) {
  const named = found.flatMap((emoji) => {
    if (!emoji.shortcodes?.length || emoji.version > NEWEST) return [];
    const begins = emoji.shortcodes.find((shortcode) => shortcode.startsWith(query));
    return { emoji: toned(emoji, tone), shortcode: begins ?? emoji.shortcodes[0], rank: rank(begins, query) };
  });
  named.sort((one, other) => one.rank - other.rank);
  return named.slice(0, MOST).map(({ emoji, shortcode }) => ({ emoji, shortcode }));
}

/** @param {string | undefined} begins @param {string} query */
function rank(begins, query) {
  if (begins === undefined) return 2;
  return begins === query ? 0 : 1;
}

/** @param {Emoji} emoji @param {number} tone */
function toned({ unicode, skins = [] }, tone) {
  return qualified(skins.find((skin) => skin.tone === tone)?.unicode ?? unicode);
}

/**
 * In the spelling that Unicode calls fully qualified, the only one that the server takes as a reaction: the
 * data have a variation selector also where the character is an emoji without one.
 * @param {string} emoji
 */
export function qualified(emoji) {
  return emoji.replace(/(\p{Emoji_Presentation})\uFE0F/gu, "$1");
}
