/**
 * The list of conversations: one line for each, newest activity first. Only the lines on the screen are in the page, so
 * that thousands scroll as smoothly as ten; the arrow keys, Home and End walk through all of them.
 */

import { conversationName, firstName, otherPerson } from "../core/people.js";
import { Avatar, faceOf } from "./avatar.js";
import { classes, html, memo, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { oneLine } from "./preview.js";
import { brief } from "./time.js";

/** @typedef {import("../core/client.js").ChatClient} ChatClient */
/** @typedef {import("../core/types.js").Conversation} Conversation */

const LINE_REM = 4.5; // list.css has the same height
const BEYOND = 5; // lines kept above and below the screen
const WATCHED_MOST = 60; // people of the list whose presence is asked for

/** @param {{chat: ChatClient, drafts: import("./drafts.js").Drafts}} props */
export function ConversationList({ chat, drafts }) {
  const { store } = chat;
  const rows = store.listed;
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const [first, last, onScroll] = useOnScreen(scroller, rows.length);
  const [activeId, setActiveId] = useState(/** @type {string | null} */ (null)); // where the keyboard was last
  const focusNext = useRef(false);
  const shown = rows.slice(first, last);
  const active = Math.max(0, rows.findIndex(({ id }) => id === activeId));
  const reachable = Math.max(first, Math.min(last - 1, active)); // the Tab key can only go to what is drawn

  useEffect(() => {
    if (last > rows.length - 10 && chat.inbox.hasMore) chat.inbox.more().catch(() => undefined);
  }, [last, rows.length]);
  const people = shown.flatMap((each) => otherPerson(each, store.me)?.id ?? []).slice(0, WATCHED_MOST);
  useEffect(() => chat.presence.show("list", people), [people.join()]);
  useLayoutEffect(() => {
    if (!focusNext.current) return;
    const link = scroller.current?.querySelector(`[data-index="${active}"]`);
    if (!(link instanceof HTMLElement)) return; // the next drawing has it
    focusNext.current = false;
    link.focus({ preventScroll: true });
  });

  const walk = (/** @type {KeyboardEvent} */ event) => {
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const index = Math.max(0, Math.min(rows.length - 1, to));
    setActiveId(rows[index]?.id ?? null);
    focusNext.current = true;
    bringIntoView(scroller.current, index);
  };

  return html`
    <nav class="conversations" aria-label="Your conversations" ref=${scroller} onScroll=${onScroll}>
      ${!store.listLoaded && rows.length === 0 && html`<${Skeleton} />`}
      ${store.listLoaded &&
      rows.length === 0 &&
      html`<p class="conversations-note">No conversations yet. Start one with “New”.</p>`}
      <ul style=${{ height: `${rows.length * LINE_REM}rem` }} onKeyDown=${walk}>
        ${shown.map((conversation, index) => {
          const place = first + index;
          return html`
            <${Line}
              key=${conversation.id}
              place=${place}
              reachable=${place === reachable}
              onFocus=${setActiveId}
              ...${lineOf(conversation, chat, drafts)}
            />
          `;
        })}
      </ul>
    </nav>
  `;
}

/**
 * The first line and the one behind the last of those that are on the screen or near it.
 * @param {{current: HTMLElement | null}} scroller @param {number} count
 * @returns {[number, number, () => void]}
 */
function useOnScreen(scroller, count) {
  const [range, setRange] = useState([0, 30]);
  const measure = () => {
    const element = scroller.current;
    if (!element) return;
    const first = Math.floor(element.scrollTop / lineHeight()) - BEYOND;
    const last = Math.ceil((element.scrollTop + element.clientHeight) / lineHeight()) + BEYOND;
    // In steps, so that not every pixel draws.
    const next = [Math.max(0, first - (first % BEYOND)), last + BEYOND - (last % BEYOND)];
    setRange((held) => (held[0] === next[0] && held[1] === next[1] ? held : next));
  };
  useLayoutEffect(() => {
    measure();
    const observer = new ResizeObserver(measure);
    if (scroller.current) observer.observe(scroller.current);
    return () => observer.disconnect();
  }, []);
  return [Math.min(range[0], count), Math.min(range[1], count), measure];
}

function lineHeight() {
  return LINE_REM * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
}

/** @param {HTMLElement | null} scroller @param {number} index */
function bringIntoView(scroller, index) {
  if (!scroller) return;
  const top = index * lineHeight();
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  const bottom = top + lineHeight() - scroller.clientHeight;
  if (bottom > scroller.scrollTop) scroller.scrollTop = bottom;
}

/** What a line says. @param {Conversation} conversation @param {ChatClient} chat
 * @param {import("./drafts.js").Drafts} drafts */
function lineOf(conversation, chat, drafts) {
  const { id, unreadCount, muted, lastMessage } = conversation;
  const { me, openId } = chat.store;
  const { id: faceId, image, group } = faceOf(conversation, me);
  return {
    conversationId: id,
    faceId,
    image,
    group,
    name: conversationName(conversation, me),
    online: isOnline(chat, otherPerson(conversation, me)?.id),
    ...newsOf(conversation, chat, id === openId ? "" : drafts.of(id).text),
    time: lastMessage ? brief(lastMessage.createdAt) : "",
    unread: unreadCount,
    muted,
    open: id === openId,
  };
}

/** @param {ChatClient} chat @param {string | undefined} userId */
export function isOnline(chat, userId) {
  return userId !== undefined && chat.presence.of(userId)?.online === true;
}

/** @param {Conversation} conversation @param {ChatClient} chat @param {string} draft
 * @returns {{news: string, tone: "typing" | "draft" | ""}} */
function newsOf(conversation, chat, draft) {
  const typing = chat.typing.line(conversation);
  if (typing) return { news: typing, tone: "typing" };
  if (draft.trim()) return { news: draft.replace(/\s+/g, " "), tone: "draft" };
  return { news: lastLine(conversation, chat), tone: "" };
}

/** @param {Conversation} conversation @param {ChatClient} chat */
function lastLine({ id, lastMessage, group }, { store, outbox }) {
  const waiting = outbox.of(id).at(-1);
  if (waiting?.state === "failed") return `Not sent: ${waiting.content}`;
  if (waiting) return `Sending: ${waiting.content}`;
  if (!lastMessage) return "No messages yet";
  if (lastMessage.type === "SYSTEM" || !lastMessage.sender) return oneLine(lastMessage);
  if (lastMessage.senderId === store.me.id) return `You: ${oneLine(lastMessage)}`;
  return group ? `${firstName(lastMessage.sender.name)}: ${oneLine(lastMessage)}` : oneLine(lastMessage);
}

const Line = memo(
  /** @param {ReturnType<typeof lineOf> & {place: number, reachable: boolean, onFocus: (id: string) => void}} props */
  ({ conversationId, faceId, image, group, name, online, news, tone, time, unread, muted, open, place, ...rest }) => html`
    <li class=${classes("line", { "has-unread": unread > 0, "is-muted": muted })} style=${{ top: `${place * LINE_REM}rem` }}>
      <a
        class="conversation"
        href="#${conversationId}"
        aria-current=${open ? "true" : null}
        data-index=${place}
        tabindex=${rest.reachable ? 0 : -1}
        onFocus=${() => rest.onFocus(conversationId)}
      >
        <${Avatar} id=${faceId} name=${name} image=${image} group=${group} online=${online} />
        <span class="conversation-name" dir="auto">${name}</span>
        <time class="conversation-time">${time}</time>
        <span class=${`conversation-line ${tone && `is-${tone}`}`} dir="auto">
          ${tone === "draft" && html`<span class="draft-mark">Draft: </span>`}${news}
        </span>
        ${online && html`<span class="visually-hidden">online</span>`}
        ${muted && html`<span class="muted-mark" title="Muted"><${Icon} name="bellOff" /></span>`}
        ${unread > 0 &&
        html`<span class="badge">${unread > 99 ? "99+" : unread}<span class="visually-hidden"> unread</span></span>`}
      </a>
    </li>
  `,
);

function Skeleton() {
  return html`
    <div class="skeleton-lines" aria-label="Loading" role="status">
      ${Array.from({ length: 7 }, (_, index) => html`<div class="skeleton-line" key=${index}><i /><b /><b /></div>`)}
    </div>
  `;
}
