/** The dialog that finds a person and begins (or finds again) the conversation with them. */

import { ChatError } from "../core/errors.js";
import { roleName } from "../core/people.js";
import { Avatar } from "./avatar.js";
import { Dialog } from "./dialog.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { hasFinePointer } from "./pointer.js";

/** @typedef {import("../core/types.js").User} User */

const PAUSE_MS = 200; // after the last key, before asking

/** @param {{page: import("./page.js").Page, onClose: () => void}} props */
export function NewConversation({ page, onClose }) {
  const { chat, me } = page;
  const [words, setWords] = useState("");
  const [people, note, setNote] = usePeople(page, words);
  const box = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => {
    if (hasFinePointer()) box.current?.focus();
  }, []);
  const start = async (/** @type {User} */ { id }) => {
    try {
      const conversation = await chat.rest.converseWith(id);
      chat.store.putConversation(conversation);
      onClose();
      location.hash = conversation.id;
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      setNote(error.message);
    }
  };
  return html`
    <${Dialog} title="New conversation" onClose=${onClose}>
      <label for="people-search">Who would you like to talk to?</label>
      <input
        id="people-search"
        ref=${box}
        type="search"
        placeholder="Search by name"
        autocomplete="off"
        spellcheck=${false}
        onInput=${(/** @type {any} */ event) => setWords(event.currentTarget.value)}
      />
      <p class="dialog-note" role="status">${note}</p>
      <ul class="people">
        ${people
          .filter(({ id }) => id !== me.id)
          .map(
            (person) => html`
              <li key=${person.id}>
                <button type="button" class="person" onClick=${() => start(person)}>
                  <${Avatar} ...${person} />
                  <span class="person-name">${person.name}</span><span class="person-detail">${roleName(person)}</span>
                </button>
              </li>
            `,
          )}
      </ul>
    <//>
  `;
}

/** @param {import("./page.js").Page} page @param {string} words
 * @returns {[User[], string, (note: string) => void]} */
export function usePeople({ chat }, words) {
  const [people, setPeople] = useState(/** @type {User[]} */ ([]));
  const [note, setNote] = useState("");
  useEffect(() => {
    let outdated = false;
    const ask = async () => {
      try {
        const found = await chat.rest.people(words.trim());
        if (outdated) return; // a later key's answer is on its way
        setPeople(found);
        setNote(found.length === 0 ? "Nobody found by that name." : "");
      } catch (error) {
        if (!outdated) setNote(/** @type {Error} */ (error).message);
      }
    };
    const timer = setTimeout(ask, words ? PAUSE_MS : 0);
    return () => {
      outdated = true;
      clearTimeout(timer);
    };
  }, [words]);
  return [people, note, setNote];
}
