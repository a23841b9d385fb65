/**
 * Draws one message of a thread, in the one way there is for messages: those that have arrived and those that are on
 * their way. Nothing that was written is read as markup.
 */

import { firstName } from "../core/people.js";
import { Avatar } from "./avatar.js";
import { Files } from "./files.js";
import { classes, html, memo, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { standIn } from "./preview.js";
import { isEmojiAlone, linked } from "./rich_text.js";
import { clock, fullTime } from "./time.js";

/** @typedef {import("../core/types.js").Attachment} Attachment */
/** @typedef {import("../core/types.js").Message} Message */
/** @typedef {import("../core/types.js").Reaction} Reaction */
/** @typedef {import("../core/types.js").Reply} Reply */
/** @typedef {import("../core/letters.js").Letter} Letter */
/**
 * @typedef {object} MessageActions what can be done with a message
 * @property {(message: Message, anchor: Element) => void} menu
 * @property {(message: Message, anchor: Element) => void} pickEmoji
 * @property {(message: Message, emoji: string, remove: boolean) => void} react
 * @property {(message: Message) => void} reply
 * @property {(seq: number) => void} jump
 * @property {(pictures: Attachment[], index: number) => void} openPictures
 * @property {(clientId: string) => void} retry
 * @property {(clientId: string) => void} discard
 * @property {(letter: Letter) => void} takeBack into the box where one writes
 */

const LONG_PRESS_MS = 450;
const LONG_PRESS_SLOP = 10; // pixels: no finger lies quite still

export const MessageRow = memo(
  /** @param {{message: Message, own: boolean, named: boolean, begins: boolean, ends: boolean, canAct: boolean,
   *   selected: boolean, quoted: string, actions: MessageActions}} props */
  ({ message, own, named, begins, ends, canAct, selected, quoted, actions }) => {
    const [pointed, setPointed] = useState(false);
    const { sender, senderId, createdAt, seq, deletedAt, editedAt } = message;
    const name = sender?.name || "Someone";
    const living = canAct && isLiving(message);
    const longPress = useLongPress((anchor) => actions.menu(message, anchor));
    return html`
      <li
        class=${classes("message", { own, named, begins, ends, selected })}
        data-seq=${seq}
        tabindex="-1"
        aria-live=${own ? "off" : null}
        onPointerEnter=${(/** @type {PointerEvent} */ event) => setPointed(event.pointerType === "mouse")}
        onPointerLeave=${() => setPointed(false)}
      >
        ${named && begins && html`<${Avatar} id=${senderId} name=${name} image=${sender?.image ?? null} size="small" />`}
        ${named && begins && html`<p class="sender" dir="auto">${name}</p>`}
        ${!(named && begins) && html`<span class="visually-hidden">${own ? "You: " : `${name}: `}</span>`}
        <div class="bubble-row" ...${living ? longPress : {}}>
          <${Bubble} message=${message} own=${own} quoted=${quoted} actions=${actions} />
          ${living && (pointed || selected) && html`<${Tools} message=${message} actions=${actions} />`}
        </div>
        <${Reactions} message=${message} actions=${actions} />
        <p class="message-detail">
          ${editedAt && !deletedAt && html`<span>edited </span>`}
          <time datetime=${createdAt} title=${fullTime(createdAt)}>${clock(createdAt)}</time>
        </p>
      </li>
    `;
  },
);

/** Whether something can be done with it. @param {Message} message */
export function isLiving({ type, deletedAt, hidden }) {
  return type !== "SYSTEM" && !deletedAt && !hidden;
}

/** @param {{message: Message, own: boolean, quoted: string, actions: MessageActions}} props */
function Bubble({ message, own, quoted, actions }) {
  const { attachments = [], replyTo, content } = message;
  const instead = standIn(message);
  if (instead !== null) return html`<div class="bubble quiet"><p class="content">${instead}</p></div>`;
  return html`
    <${Body}
      content=${content}
      files=${attachments}
      own=${own}
      openPictures=${actions.openPictures}
      quote=${replyTo && html`<${Quote} reply=${replyTo} name=${quoted} onClick=${() => actions.jump(replyTo.seq)} />`}
    />
  `;
}

/** @param {{content: string, files: Attachment[], own: boolean, quote: any,
 *   openPictures: MessageActions["openPictures"]}} props */
function Body({ content, files, own, quote, openPictures }) {
  const alone = isEmojiAlone(content) && files.length === 0 && !quote;
  return html`
    <div class=${classes("bubble", { bare: files.length > 0 && !content && !quote, emoji: alone })}>
      ${quote}
      ${files.length > 0 && html`<${Files} files=${files} own=${own} onOpen=${openPictures} />`}
      ${content && html`<p class="content" dir="auto">${linked(content)}</p>`}
    </div>
  `;
}

/** @param {{reply: Reply, name: string, onClick?: () => void}} props */
export function Quote({ reply, name, onClick }) {
  const text = html`<span class="quote-name">${name}</span><span class="quote-text" dir="auto">${reply.excerpt || "…"}</span>`;
  if (!onClick) return html`<span class="quote">${text}</span>`;
  return html`<button type="button" class="quote" title="Go to this message" onClick=${onClick}>${text}</button>`;
}

/** @param {{message: Message, actions: MessageActions}} props */
function Reactions({ message, actions }) {
  const { reactions = [] } = message;
  if (reactions.length === 0) return null;
  return html`
    <div class="reactions">
      ${reactions.map(
        ({ emoji, count, mine = false }) => html`
          <button
            key=${emoji}
            type="button"
            class="reaction"
            aria-pressed=${String(mine)}
            aria-label="${emoji} ${count}"
            onClick=${() => actions.react(message, emoji, mine)}
          >
            <span>${emoji}</span> ${count}
          </button>
        `,
      )}
    </div>
  `;
}

/** What a mouse or the keyboard finds beside a message. @param {{message: Message, actions: MessageActions}} props */
function Tools({ message, actions }) {
  const at = (/** @type {(message: Message, anchor: Element) => void} */ act) => (/** @type {any} */ event) =>
    act(message, event.currentTarget);
  return html`
    <div class="tools" role="toolbar" aria-label="Message">
      <button type="button" class="icon-button" aria-label="React" onClick=${at(actions.pickEmoji)}><${Icon} name="smile" /></button>
      <button type="button" class="icon-button" aria-label="Reply" onClick=${() => actions.reply(message)}><${Icon} name="reply" /></button>
      <button type="button" class="icon-button" aria-label="More" onClick=${at(actions.menu)}><${Icon} name="more" /></button>
    </div>
  `;
}

/** Handlers: a finger that stays. iOS tells nothing of it, so the time is measured. @param {(anchor: Element) => void} act */
function useLongPress(act) {
  const press = useRef({ timer: /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined), x: 0, y: 0 });
  const stop = () => clearTimeout(press.current.timer);
  return {
    onPointerDown: (/** @type {any} */ event) => {
      const { currentTarget, pointerType, clientX: x, clientY: y } = event;
      if (pointerType !== "touch") return;
      stop(); // another finger's
      const open = () => {
        swallowClick();
        act(currentTarget);
      };
      press.current = { timer: setTimeout(open, LONG_PRESS_MS), x, y };
    },
    onPointerUp: stop,
    onPointerMove: (/** @type {PointerEvent} */ { clientX, clientY }) => {
      const { x, y } = press.current;
      if (Math.hypot(clientX - x, clientY - y) > LONG_PRESS_SLOP) stop();
    },
    onPointerCancel: stop,
    onContextMenu: (/** @type {any} */ event) => event.pointerType === "touch" && event.preventDefault(),
  };
}

/** The finger is lifted over what has come up under it: that is no choice yet. */
function swallowClick() {
  const swallow = (/** @type {Event} */ event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  addEventListener("click", swallow, { capture: true });
  addEventListener("pointerdown", () => removeEventListener("click", swallow, { capture: true }), { once: true });
}

/** What the server itself says. */
export const Notice = memo(
  /** @param {{message: Message}} props */
  ({ message }) => html`<li class="thread-note" data-seq=${message.seq}>${message.content}</li>`,
);

/** A message on its way. */
export const LetterRow = memo(
  /** @param {{letter: Letter, begins: boolean, online: boolean, quoted: string, actions: MessageActions}} props */
  ({ letter, begins, online, quoted, actions }) => {
    const { clientId, content, attachments, replyTo, state, createdAt, reason } = letter;
    return html`
      <li class=${classes("message own", { begins, [state]: true })} aria-live=${state === "pending" ? "off" : null}>
        <div class="bubble-row">
          <${Body}
            content=${content}
            files=${attachments}
            own=${true}
            openPictures=${actions.openPictures}
            quote=${replyTo && html`<${Quote} reply=${replyTo} name=${quoted} />`}
          />
        </div>
        <p class="message-detail">
          ${state === "pending" && html`<span>${online ? "Sending…" : "Will be sent when you are back"}</span>`}
          ${state === "held" && html`<span>Waits for a moderator </span><time>${clock(createdAt)}</time>`}
          ${state === "failed" && html`<span>Not sent. ${reason} </span>`}
          ${state === "failed" &&
          html`<button type="button" class="text-button" onClick=${() => actions.retry(clientId)}>Try again</button>`}
          ${state === "failed" &&
          attachments.length === 0 &&
          html`<button type="button" class="text-button" onClick=${() => actions.takeBack(letter)}>Edit</button>`}
          ${(state === "failed" || (state === "pending" && !online)) &&
          html`<button type="button" class="text-button" onClick=${() => actions.discard(clientId)}>Discard</button>`}
        </p>
      </li>
    `;
  },
);

/** Who is quoted. @param {Reply | null | undefined} reply @param {string} me @param {(id: string) => string} nameOf */
export function quotedName(reply, me, nameOf) {
  if (!reply) return "";
  if (reply.senderId === me) return "You";
  return reply.senderId ? firstName(nameOf(reply.senderId)) : "Someone";
}
