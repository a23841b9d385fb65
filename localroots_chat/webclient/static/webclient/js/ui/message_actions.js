/** What can be done with a message of the open conversation, and the menus and dialogs that doing it takes. */

import { EmojiPicker, QuickReactions } from "./emoji.js";
import { Dialog, Menu, MenuItem } from "./dialog.js";
import { html, useMemo, useState } from "./html.js";
import { Lightbox } from "./lightbox.js";
import { excerptOf } from "./preview.js";
import { ReportDialog } from "./report.js";
import { SeenBy } from "./seen_by.js";

/** @typedef {import("../core/types.js").Attachment} Attachment */
/** @typedef {import("../core/types.js").Conversation} Conversation */
/** @typedef {import("../core/types.js").Message} Message */
/** @typedef {import("./message.js").MessageActions} MessageActions */
/** @typedef {import("./page.js").Page} Page */
/**
 * What stands above the page, if anything.
 * @typedef {{kind: "menu" | "emoji", message: Message, anchor: HTMLElement}
 *   | {kind: "report" | "seen" | "delete", message: Message}
 *   | {kind: "pictures", pictures: Attachment[], index: number} | null} Above
 */

const RANKS = ["MEMBER", "MODERATOR", "OWNER"];
const EDITABLE_MS = 15 * 60_000; // the server's default; it has the last word

/**
 * @param {object} options
 * @param {Page} options.page
 * @param {Conversation} options.conversation
 * @param {{current: HTMLTextAreaElement | null}} options.box where one writes
 * @param {(seq: number) => unknown} options.goTo
 */
export function useMessageActions({ page, conversation, box, goTo }) {
  const { chat, drafts, edits } = page;
  const { id } = conversation;
  const [above, setAbove] = useState(/** @type {Above} */ (null));
  /** @type {MessageActions} */
  const actions = useMemo(
    () => ({
      menu: (message, anchor) => setAbove({ kind: "menu", message, anchor: /** @type {HTMLElement} */ (anchor) }),
      pickEmoji: (message, anchor) => setAbove({ kind: "emoji", message, anchor: /** @type {HTMLElement} */ (anchor) }),
      react: (message, emoji, remove) => void page.attempt(chat.react(message.id, emoji, remove)),
      reply: (message) => {
        const { id: messageId, seq, senderId = null } = message;
        const edit = edits.of(id);
        if (edit) edits.end(edit.message);
        drafts.answer(id, { id: messageId, seq, senderId, excerpt: excerptOf(message) });
        box.current?.focus();
      },
      jump: (seq) => void goTo(seq),
      openPictures: (pictures, index) => setAbove({ kind: "pictures", pictures, index }),
      retry: (clientId) => chat.outbox.retry(clientId),
      discard: (clientId) => chat.outbox.remove(clientId),
      takeBack: ({ clientId, content, replyTo }) => {
        chat.outbox.remove(clientId);
        drafts.write(id, [content, drafts.of(id).text].filter(Boolean).join("\n"));
        drafts.answer(id, replyTo);
        box.current?.focus();
      },
    }),
    [id],
  );
  const close = () => setAbove(null);
  return {
    actions,
    seenBy: (/** @type {Message} */ message) => setAbove({ kind: "seen", message }),
    above: above && html`<${Above} ...${{ page, conversation, above, setAbove, actions, close }} />`,
  };
}

/** @param {{page: Page, conversation: Conversation, above: NonNullable<Above>, setAbove: (above: Above) => void,
 *   actions: MessageActions, close: () => void}} props */
function Above({ page, conversation, above, setAbove, actions, close }) {
  switch (above.kind) {
    case "pictures":
      return html`<${Lightbox} pictures=${above.pictures} index=${above.index} onClose=${close} />`;
    case "emoji": {
      const choose = (/** @type {string} */ emoji) => actions.react(above.message, emoji, false);
      return html`<${EmojiPicker} anchor=${above.anchor} onChoose=${choose} onClose=${close} />`;
    }
    case "report":
      return html`<${ReportDialog} page=${page} kind="message" id=${above.message.id} onClose=${close} />`;
    case "seen":
      return html`<${SeenBy} page=${page} message=${above.message} onClose=${close} />`;
    case "delete":
      return html`<${ConfirmDelete} page=${page} message=${above.message} onClose=${close} />`;
    case "menu":
      return html`<${MessageMenu} ...${{ page, conversation, above, setAbove, actions, close }} />`;
  }
}

/** @param {any} props */
function MessageMenu({ page, conversation, above, setAbove, actions, close }) {
  /** @type {{message: Message, anchor: HTMLElement}} */ const { message, anchor } = above;
  const own = message.senderId === page.me.id;
  const then = (/** @type {() => void} */ act) => () => {
    close();
    act();
  };
  const react = (/** @type {string} */ emoji) => then(() => actions.react(message, emoji, false))();
  const next = (/** @type {"report" | "seen" | "delete"} */ kind) => () => setAbove({ kind, message });
  return html`
    <${Menu} label="Message" anchor=${anchor} onClose=${close}>
      <${QuickReactions} onChoose=${react} onMore=${() => setAbove({ kind: "emoji", message, anchor })} />
      <${MenuItem} icon="reply" onClick=${then(() => actions.reply(message))}>Reply<//>
      ${message.content &&
      html`<${MenuItem} icon="copy" onClick=${then(() => void copy(page, message.content))}>Copy text<//>`}
      ${own && isEditable(message) && html`<${MenuItem} icon="edit" onClick=${then(() => page.edits.begin(message))}>Edit<//>`}
      ${own &&
      conversation.type === "GROUP" &&
      html`<${MenuItem} icon="eye" onClick=${next("seen")}>Seen by<//>`}
      ${(own || mayModerate(conversation, message)) &&
      html`<${MenuItem} icon="remove" danger=${true} onClick=${next("delete")}>Delete<//>`}
      ${!own && html`<${MenuItem} icon="flag" onClick=${next("report")}>Report<//>`}
    <//>
  `;
}

/** @param {Message} message */
export function isEditable({ createdAt, deletedAt, content }) {
  return !deletedAt && content !== "" && Date.now() - Date.parse(createdAt) < EDITABLE_MS;
}

/** Moderators take back what those say who rank below them. @param {Conversation} conversation
 * @param {Message} message */
function mayModerate({ group, participants }, { senderId }) {
  const rank = (/** @type {string | null | undefined} */ role) => RANKS.indexOf(role ?? "MEMBER");
  const sender = participants.find(({ user }) => user.id === senderId);
  return rank(group?.myRole) > rank(sender?.role);
}

/** @param {Page} page @param {string} text */
async function copy(page, text) {
  try {
    await navigator.clipboard.writeText(text);
    page.notify("Copied.");
  } catch {
    page.notify("This browser does not let the page copy."); // as on http: addresses of a local network
  }
}

/** @param {{page: Page, message: Message, onClose: () => void}} props */
function ConfirmDelete({ page, message, onClose }) {
  const remove = () => {
    onClose();
    void page.attempt(page.chat.delete(message.id));
  };
  return html`
    <${Dialog} title="Delete this message?" onClose=${onClose}>
      <p>Nobody in the conversation will be able to read it any more.</p>
      <div class="dialog-buttons">
        <button type="button" class="button" onClick=${onClose}>Keep it</button>
        <button type="button" class="button button-danger" onClick=${remove}>Delete</button>
      </div>
    <//>
  `;
}
