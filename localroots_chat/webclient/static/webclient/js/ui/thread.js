/** The right pane: the open conversation, from its heading to the place where one writes. */

import { conversationName, nameIn, otherPerson } from "../core/people.js";
import { MOST } from "../core/uploads.js";
import { Composer } from "./composer.js";
import { useDroppedFiles } from "./dropped_files.js";
import { classes, html, useEffect, useReducer, useRef, useState } from "./html.js";
import { useMessageActions } from "./message_actions.js";
import { MessageList } from "./message_list.js";
import { ThreadHeader } from "./thread_header.js";
import { threadRows } from "./thread_rows.js";

/** @typedef {import("../core/types.js").Conversation} Conversation */
/** @typedef {import("../core/types.js").Message} Message */
/** @typedef {import("./page.js").Page} Page */

const END = Infinity; // as a seq to go to
const TIMER_MOST = 2 ** 31 - 1; // milliseconds: what a browser's timer holds

/** @param {{page: Page, conversation: Conversation, target: {seq: number} | null}} props */
export function Thread({ page, conversation, target }) {
  const { chat, me } = page;
  const { id } = conversation;
  const thread = chat.store.thread(id);
  const [place, setPlace] = useState(target);
  useEffect(() => setPlace(target), [target]);
  const [unreadFrom, forgetUnread] = useUnreadLine(chat, conversation);
  const box = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  usePresence(chat, conversation);

  const goTo = (/** @type {number} */ seq) => page.attempt(chat.open(id, seq).then(() => setPlace({ seq })));
  const goToEnd = () => {
    forgetUnread();
    setPlace({ seq: END });
    window.history.replaceState(null, "", `#${id}`); // a place that was gone to is no longer where one is
    if (thread?.hasNewer) void page.attempt(chat.history.newest(id));
  };
  const { actions, seenBy, above } = useMessageActions({ page, conversation, box, goTo });
  const silencedUntil = useSilence(conversation);
  const [dropping, dropHandlers] = useDroppedFiles((files) => {
    const mayWrite = !silencedUntil && !page.blocks.has(otherPerson(conversation, me)?.id);
    if (mayWrite && page.uploads.add(id, files) > 0) page.notify(`At most ${MOST} files go with a message.`);
  });

  const rows = threadRows({
    messages: thread?.list ?? [],
    hasOlder: thread?.hasOlder ?? true,
    hasNewer: thread?.hasNewer ?? false,
    letters: chat.outbox.of(id),
    unreadFrom,
    conversation,
    me,
  });
  return html`
    <section class=${classes("thread", { "receives-files": dropping })} ...${dropHandlers}>
      <${ThreadHeader} page=${page} conversation=${conversation} />
      <div class="thread-body">
        <${MessageList}
          label=${conversationName(conversation, me)}
          run=${thread}
          rows=${rows}
          hasOlder=${thread?.hasOlder ?? true}
          hasNewer=${thread?.hasNewer ?? false}
          unread=${conversation.unreadCount}
          me=${me.id}
          canAct=${silencedUntil === null}
          online=${chat.connectionState === "online"}
          nameOf=${(/** @type {string} */ userId) => nameIn(chat.store, conversation, userId)}
          target=${place}
          actions=${actions}
          onNearEnd=${(/** @type {"older" | "newer"} */ direction) => void chat.history[direction](id)}
          onAtEnd=${() => thread?.forgetOldest() && chat.store.changed()}
          onToNewest=${goToEnd}
          onSeen=${(/** @type {Message} */ message) => chat.receipts.saw(message)}
          onSeenBy=${seenBy}
        />
      </div>
      <p class="typing-line" role=${conversation.group ? null : "status"}>${chat.typing.line(conversation)}</p>
      <${Composer}
        page=${page}
        conversation=${conversation}
        silencedUntil=${silencedUntil}
        box=${box}
        onSent=${goToEnd}
      />
      ${above}
    </section>
  `;
}

/**
 * Where the unread began when one came, or when one last looked away: it stays there while one reads, until there is
 * something unread again.
 * @param {import("../core/client.js").ChatClient} chat @param {Conversation} conversation
 * @returns {[number | null, () => void]}
 */
function useUnreadLine({ store }, { id, unreadCount, lastReadSeq }) {
  const [from, setFrom] = useState(/** @type {number | null} */ (unreadCount > 0 ? lastReadSeq : null));
  const allRead = useRef(from === null);
  useEffect(() => {
    // After what is on the screen has been counted as read.
    const now = store.conversations.get(id);
    if (!now) return;
    if (now.unreadCount > 0 && allRead.current) setFrom(now.lastReadSeq);
    allRead.current = now.unreadCount === 0;
  });
  return [from, () => setFrom(null)];
}

/** Until when one may only read; null where one may write, also as soon as that is over.
 * @param {Conversation} conversation */
function useSilence({ silencedUntil }) {
  const [, redraw] = useReducer((/** @type {number} */ count) => count + 1, 0);
  const left = silencedUntil ? Date.parse(silencedUntil) - Date.now() : 0;
  useEffect(() => {
    if (left <= 0) return undefined;
    const timer = setTimeout(() => redraw(undefined), Math.min(left, TIMER_MOST));
    return () => clearTimeout(timer);
  });
  return left > 0 ? silencedUntil : null;
}

/** Asks who of the people in it is here. @param {import("../core/client.js").ChatClient} chat
 * @param {Conversation} conversation */
function usePresence({ presence, store }, conversation) {
  const other = otherPerson(conversation, store.me);
  const people = other ? [other.id] : conversation.participants.slice(0, 40).map(({ user }) => user.id);
  useEffect(() => {
    presence.show("thread", people);
    return () => presence.show("thread", []);
  }, [people.join()]);
}
