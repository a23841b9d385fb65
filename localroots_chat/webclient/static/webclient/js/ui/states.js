/** What the page shows where there is no conversation to show, or no connection: what is the matter, and a way out. */

import { Avatar } from "./avatar.js";
import { html, useEffect } from "./html.js";
import { Icon } from "./icons.js";
import { useModal } from "./modal.js";
import { usePeople } from "./new_conversation.js";
import { signInAddress } from "./session.js";

/** @typedef {import("./page.js").Page} Page */

const SUGGESTED_MOST = 4;

/** @param {{page: Page}} props */
export function ConnectionLine({ page: { chat } }) {
  const { unsent } = chat.outbox;
  const waiting = unsent === 1 ? "Your message" : `Your ${unsent} messages`;
  const later = unsent > 0 ? `${waiting} will be sent when you are back.` : "";
  const state = chat.connectionState;
  const text = {
    connecting: "Connecting…",
    online: "",
    reconnecting: `Connection lost. Trying again… ${later}`,
    offline: `You are offline. ${later || "What you write will be sent when you are back."}`,
    ended: "",
  }[state];
  return html`
    <p class="status-line ${state}" role="status">
      ${text && html`<span>${text}</span>`}
      ${state === "reconnecting" &&
      html`<button type="button" class="text-button" onClick=${() => chat.wake()}>Try now</button>`}
    </p>
  `;
}

/** A dialog that cannot be closed: without a session nothing here can go on. */
export function SessionEnded() {
  const { properties } = useModal(() => undefined);
  const stay = (/** @type {Event} */ event) => event.preventDefault();
  return html`
    <dialog class="dialog ended" ...${properties} aria-labelledby="ended-title" onCancel=${stay}>
      <h2 id="ended-title">You are signed out</h2>
      <p>Your session has ended, here or elsewhere. What you had not sent yet is kept in this browser.</p>
      <a class="button button-primary" href=${signInAddress()}>Sign in again</a>
    </dialog>
  `;
}

/** Where drawing itself has failed, which must not look like a page that only does nothing. */
export function Broken() {
  return html`
    <div class="nothing-open" role="alert">
      <h2>Something went wrong here</h2>
      <p>What you had not sent yet is kept in this browser.</p>
      <button type="button" class="button button-primary" onClick=${() => location.reload()}>Load the page again</button>
    </div>
  `;
}

/** @param {{logo: string}} props */
export function NothingOpen({ logo }) {
  return html`
    <div class="nothing-open">
      <img src=${logo} alt="" width="72" height="72" />
      <p>Choose a conversation, or start a new one.</p>
    </div>
  `;
}

/** Where somebody is new here: people to begin with. @param {{page: Page, logo: string, onBegin: () => void}} props */
export function FirstRun({ page, logo, onBegin }) {
  const [people] = usePeople(page, "");
  const others = people.filter(({ id }) => id !== page.me.id).slice(0, SUGGESTED_MOST);
  const begin = (/** @type {string} */ userId) =>
    page.attempt(
      page.chat.rest.converseWith(userId).then((conversation) => {
        page.chat.store.putConversation(conversation);
        location.hash = conversation.id;
      }),
    );
  return html`
    <div class="nothing-open first-run">
      <img src=${logo} alt="" width="72" height="72" />
      <h2>Welcome, ${page.me.name}</h2>
      <p>Talk with the people who grow your food, and with the neighbours who share it.</p>
      ${others.length > 0 &&
      html`<ul class="people" aria-label="People to begin with">
        ${others.map(
          (person) => html`
            <li key=${person.id}>
              <button type="button" class="person" onClick=${() => begin(person.id)}>
                <${Avatar} ...${person} /><span class="person-name">${person.name}</span>
                <span class="person-detail">Say hello</span>
              </button>
            </li>
          `,
        )}
      </ul>`}
      <button type="button" class="button button-primary" onClick=${onBegin}>Find somebody</button>
    </div>
  `;
}

/** The address names a conversation that is not there for this person, or not yet. @param {{lookedFor: boolean}} props */
export function Unknown({ lookedFor }) {
  if (!lookedFor) {
    return html`
      <div class="thread-loading">
        <a class="icon-button back" href="#" aria-label="Back to conversations"><${Icon} name="back" /></a>
        <span class="visually-hidden" role="status">Loading</span>
      </div>
    `;
  }
  return html`
    <div class="nothing-open">
      <h2>There is no such conversation</h2>
      <p>It may have been closed, or you are no longer in it.</p>
      <a class="button" href="#">Back to your conversations</a>
    </div>
  `;
}

/** A sentence about what was just done, or failed. @param {{page: Page}} props */
export function Notice({ page }) {
  useEffect(() => {
    if (!page.notice) return undefined;
    const timer = setTimeout(() => page.notify(""), 6000);
    return () => clearTimeout(timer);
  }, [page.notice]);
  return html`
    <div class="notice" role="status">
      ${page.notice &&
      html`<p>
        ${page.notice}
        <button type="button" class="text-button" onClick=${() => page.notify("")}>Dismiss</button>
      </p>`}
    </div>
  `;
}
