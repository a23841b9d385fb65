/**
 * The whole page: drawn anew whenever something that the chat knows has changed. The open conversation is the address's
 * fragment (#conversation or #conversation/seq), so the phone's back button closes it.
 */

import { classes, html, useEffect, useErrorBoundary, useReducer, useState } from "./html.js";
import { Sidebar } from "./sidebar.js";
import { Broken, ConnectionLine, FirstRun, Notice, NothingOpen, SessionEnded, Unknown } from "./states.js";
import { Thread } from "./thread.js";

/** @typedef {import("./page.js").Page} Page */

const FAR = 40; // messages: whoever has missed more begins to read where they left off

/** @param {{page: Page, logo: string}} props */
export function App(props) {
  const [error] = useErrorBoundary((problem) => console.error(problem));
  return error ? html`<${Broken} />` : html`<${Chat} ...${props} />`;
}

/** @param {{page: Page, logo: string}} props */
function Chat({ page, logo }) {
  const { chat } = page;
  const { store } = chat;
  const [, redraw] = useReducer((/** @type {number} */ count) => count + 1, 0);
  const [beginning, setBeginning] = useState(false);
  const [address, target] = useAddress();
  const [lookedFor, setLookedFor] = useState("");
  useEffect(() => chat.subscribe(() => redraw(undefined)), []);
  useEffect(() => {
    if (!address) return chat.close();
    const opened = chat.open(address, () => target?.seq ?? whereLeftOff(page, address));
    void page.attempt(opened).then(() => setLookedFor(address));
  }, [address, target]);
  useTitle(store.unreadTotal);

  const conversation = address ? store.conversations.get(address) : null;
  const isNew = store.listLoaded && store.conversations.size === 0;
  return html`
    <div class=${classes("chat", { "has-open-thread": address, "is-new": isNew && !address })}>
      <${ConnectionLine} page=${page} />
      <div class="panes">
        <${Sidebar} page=${page} logo=${logo} beginning=${beginning} onBegin=${setBeginning} />
        <div class="thread-pane">
          ${conversation && html`<${Thread} key=${address} page=${page} conversation=${conversation} target=${target} />`}
          ${!conversation && address && html`<${Unknown} lookedFor=${lookedFor === address} />`}
          ${!address && isNew && html`<${FirstRun} page=${page} logo=${logo} onBegin=${() => setBeginning(true)} />`}
          ${!address && !isNew && html`<${NothingOpen} logo=${logo} />`}
        </div>
      </div>
      <${Notice} page=${page} />
      ${chat.connectionState === "ended" && html`<${SessionEnded} />`}
    </div>
  `;
}

/** @returns {[string | null, {seq: number} | null]} another target for every time that the address is gone to */
function useAddress() {
  const [place, setPlace] = useState(placeInAddress);
  useEffect(() => {
    const changed = () => setPlace(placeInAddress());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return [place.id, place.target];
}

/** @returns {{id: string | null, target: {seq: number} | null}} */
function placeInAddress() {
  const [id, seq] = location.hash.slice(1).split("/");
  return { id: id || null, target: /^\d+$/.test(seq) ? { seq: Number(seq) } : null };
}

/** @param {Page} page @param {string} id @returns {number | undefined} */
function whereLeftOff({ chat }, id) {
  const held = chat.store.conversations.get(id);
  if (!held || held.unreadCount === 0 || held.lastSeq - held.lastReadSeq < FAR) return undefined;
  return held.lastReadSeq;
}

/** @param {number} unread */
function useTitle(unread) {
  useEffect(() => {
    document.title = unread > 0 ? `(${unread > 999 ? "999+" : unread}) LocalRoots Chat` : "LocalRoots Chat";
  }, [unread]);
}
