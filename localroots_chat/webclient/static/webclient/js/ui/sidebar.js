/** The left pane: the search, the list of conversations, and who is signed in. */

import { Avatar } from "./avatar.js";
import { ConversationList } from "./conversation_list.js";
import { Dialog } from "./dialog.js";
import { html, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { NewConversation } from "./new_conversation.js";
import { SearchResults } from "./search.js";

/** @typedef {import("./page.js").Page} Page */

/** @param {{page: Page, logo: string, beginning: boolean, onBegin: (beginning: boolean) => void}} props */
export function Sidebar({ page, logo, beginning, onBegin }) {
  const [words, setWords] = useState("");
  const box = useRef(/** @type {HTMLInputElement | null} */ (null));
  const search = words.trim();
  const clear = () => setWords("");
  const clearAndStay = () => {
    clear();
    box.current?.focus();
  };
  return html`
    <div class="sidebar">
      <header class="sidebar-header">
        <img src=${logo} alt="" width="30" height="30" />
        <p class="brand">LocalRoots</p>
        <button class="button button-primary" type="button" onClick=${() => onBegin(true)}>
          <${Icon} name="add" />New<span class="visually-hidden"> conversation</span>
        </button>
      </header>
      <div class="search" role="search">
        <${Icon} name="search" />
        <input
          ref=${box}
          type="search"
          aria-label="Search people, communities and messages"
          placeholder="Search"
          autocomplete="off"
          spellcheck=${false}
          value=${words}
          onInput=${(/** @type {any} */ event) => setWords(event.currentTarget.value)}
          onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && clear()}
        />
        ${words &&
        html`<button type="button" class="icon-button" aria-label="Clear the search" onClick=${clearAndStay}>
          <${Icon} name="close" />
        </button>`}
      </div>
      ${search
        ? html`<${SearchResults} page=${page} words=${search} onDone=${clear} />`
        : html`<${ConversationList} chat=${page.chat} drafts=${page.drafts} />`}
      <${Me} page=${page} />
      ${beginning && html`<${NewConversation} page=${page} onClose=${() => onBegin(false)} />`}
    </div>
  `;
}

/** @param {{page: Page}} props */
function Me({ page }) {
  const [asking, setAsking] = useState(false);
  const leave = () => {
    setAsking(false);
    void page.attempt(page.signOut());
  };
  return html`
    <footer class="sidebar-footer">
      <${Avatar} ...${page.me} size="small" />
      <span class="me-name" dir="auto">${page.me.name}</span>
      <button class="button button-quiet" type="button" onClick=${() => (page.unsent > 0 ? setAsking(true) : leave())}>
        Sign out
      </button>
      ${asking &&
      html`<${Dialog} title="Sign out all the same?" onClose=${() => setAsking(false)}>
        <p>${page.unsent === 1 ? "Something is" : `${page.unsent} things are`} not sent yet, and would be lost.</p>
        <div class="dialog-buttons">
          <button type="button" class="button" onClick=${() => setAsking(false)}>Stay</button>
          <button type="button" class="button button-danger" onClick=${leave}>Sign out</button>
        </div>
      <//>`}
    </footer>
  `;
}
