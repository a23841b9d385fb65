/**
 * Finding people, communities and messages: what was typed is asked for after a pause, and what is held here is found
 * at once.
 */

import { categoryName, conversationName, firstName, membersOf, roleName } from "../core/people.js";
import { Avatar, faceOf } from "./avatar.js";
import { html, useEffect, useState } from "./html.js";
import { marked, snippet } from "./rich_text.js";
import { brief } from "./time.js";

/** @typedef {import("../core/types.js").Conversation} Conversation */
/** @typedef {import("../core/types.js").Found} Found */
/** @typedef {import("../core/types.js").Group} Group */
/** @typedef {import("../core/types.js").User} User */
/** @typedef {import("./page.js").Page} Page */
/** @typedef {{people: User[], groups: Group[], messages: Found[]}} Results */

const PAUSE_MS = 250; // after the last key
const CONVERSATIONS_MOST = 6;

/** @param {{page: Page, words: string, onDone: () => void}} props */
export function SearchResults({ page, words, onDone }) {
  const { chat, me } = page;
  const [found, problem] = useFound(page, words);
  const held = conversationsNamed(chat.store.listed, words, me);
  const shown = new Set(held.flatMap(({ group, participants }) => [group?.id, ...idsOf(participants)]));
  const people = found?.people.filter(({ id }) => id !== me.id && !shown.has(id)) ?? [];
  const groups = found?.groups.filter(({ id }) => !shown.has(id)) ?? [];
  const messages = found?.messages ?? [];
  const nothing = found && held.length + people.length + groups.length + messages.length === 0;

  const converse = (/** @type {User} */ { id }) =>
    page.attempt(
      chat.rest.converseWith(id).then((conversation) => {
        chat.store.putConversation(conversation);
        go(conversation.id);
      }),
    );
  const join = (/** @type {Group} */ { id, conversationId, myRole }) =>
    page.attempt(Promise.resolve(myRole ? null : chat.rest.joinGroup(id)).then(() => go(conversationId)));
  const go = (/** @type {string} */ place) => {
    if (location.hash === `#${place}`) dispatchEvent(new HashChangeEvent("hashchange")); // the reader has moved since
    else location.hash = place;
    onDone();
  };

  return html`
    <div class="results" role="region" aria-label="Search results" aria-busy=${String(!found)}>
      <${Section} title="Conversations" rows=${held}>
        ${(/** @type {Conversation} */ conversation) => html`
          <${Result} onClick=${() => go(conversation.id)} face=${faceOf(conversation, me)}>
            <span class="result-name">${marked(conversationName(conversation, me), words)}</span>
          <//>
        `}
      <//>
      <${Section} title="People" rows=${people}>
        ${(/** @type {User} */ person) => html`
          <${Result} onClick=${() => converse(person)} face=${person}>
            <span class="result-name">${marked(person.name, words)}</span>
            <span class="result-detail">${roleName(person)}</span>
          <//>
        `}
      <//>
      <${Section} title="Communities" rows=${groups}>
        ${(/** @type {Group} */ group) => html`
          <${Result} onClick=${() => join(group)} face=${{ ...group, image: group.imageUrl, group: true }}>
            <span class="result-name">${marked(group.name, words)}</span>
            <span class="result-detail">${categoryName(group.category)} · ${membersOf(group.memberCount)}</span>
            ${!group.myRole && html`<span class="result-action">Join</span>`}
          <//>
        `}
      <//>
      <${Section} title="Messages" rows=${messages}>
        ${(/** @type {Found} */ message) => html`
          <${Result}
            onClick=${() => go(`${message.conversationId}/${message.seq}`)}
            face=${message.sender ?? { id: message.id, name: "", image: null }}
          >
            <span class="result-name">${placeOf(message, page)}</span>
            <time class="result-time">${brief(message.createdAt)}</time>
            <span class="result-detail">${marked(snippet(message.content, words), words)}</span>
          <//>
        `}
      <//>
      <p class="results-note" role="status">
        ${problem || (!found ? "Searching…" : nothing ? `Nothing found for “${words}”.` : "")}
      </p>
    </div>
  `;
}

/** @param {{title: string, rows: {id: string}[], children?: any}} props */
function Section({ title, rows, children }) {
  if (rows.length === 0) return null;
  return html`
    <section>
      <h3>${title}</h3>
      <ul>
        ${rows.map((row) => html`<li key=${row.id}>${children(row)}</li>`)}
      </ul>
    </section>
  `;
}

/** @param {{onClick: () => void, face: import("./avatar.js").Face, children?: any}} props */
function Result({ onClick, face, children }) {
  const { id, name, image, group } = face;
  return html`
    <button type="button" class="result" onClick=${onClick}>
      <${Avatar} id=${id} name=${name} image=${image} group=${group ?? false} />${children}
    </button>
  `;
}

/** @param {Page} page @param {string} words @returns {[Results | null, string]} null while it is being asked for */
function useFound({ chat }, words) {
  const [found, setFound] = useState(/** @type {Results | null} */ (null));
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let outdated = false;
    setFound(null);
    setProblem("");
    const ask = async () => {
      const { rest } = chat;
      const asked = await Promise.allSettled([rest.people(words), rest.groups(words), rest.searchMessages(words)]);
      if (outdated) return;
      const failed = asked.find(({ status }) => status === "rejected");
      const [people, groups, messages] = asked.map((each) => (each.status === "fulfilled" ? each.value : []));
      setFound(/** @type {Results} */ ({ people, groups, messages }));
      if (failed?.status === "rejected") setProblem(failed.reason.message);
    };
    const timer = setTimeout(ask, PAUSE_MS);
    return () => {
      outdated = true;
      clearTimeout(timer);
    };
  }, [words]);
  return [found, problem];
}

/** @param {Conversation[]} conversations @param {string} words @param {User} me */
function conversationsNamed(conversations, words, me) {
  const wanted = words.toLocaleLowerCase().split(/\s+/);
  const named = conversations.filter((each) => {
    const name = conversationName(each, me).toLocaleLowerCase();
    return wanted.every((word) => name.includes(word));
  });
  return named.slice(0, CONVERSATIONS_MOST);
}

/** Of direct conversations alone: who shares a group is still to be found. @param {Conversation["participants"]} participants */
function idsOf(participants) {
  return participants.length === 2 ? participants.map(({ user }) => user.id) : [];
}

/** Who said it, and in which group. @param {Found} message @param {Page} page */
function placeOf({ sender, senderId, conversationId }, { chat, me }) {
  const name = senderId === me.id ? "You" : firstName(sender?.name ?? "");
  const conversation = chat.store.conversations.get(conversationId);
  if (!conversation) return name;
  if (conversation.group) return `${name} in ${conversation.group.name}`;
  return senderId === me.id ? `You to ${conversationName(conversation, me)}` : name;
}
