/**
 * Where a message is written or edited. Enter sends, Shift+Enter begins a line; while an input method is composing,
 * Enter belongs to it. What was begun in a conversation is still there when its writer comes back to it.
 */

import { firstName, otherPerson, participantName } from "../core/people.js";
import { MOST } from "../core/uploads.js";
import { AttachButtons } from "./attach_buttons.js";
import { CompletionList, useCompletion } from "./completion.js";
import { EmojiPicker } from "./emoji.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { Quote } from "./message.js";
import { isEditable } from "./message_actions.js";
import { excerptOf } from "./preview.js";
import { hasFinePointer } from "./session.js";
import { fullTime } from "./time.js";
import { Tray } from "./tray.js";
import { useVoiceRecorder, VoiceRecorderBar } from "./voice_recorder.js";

/** @typedef {import("../core/types.js").Conversation} Conversation */
/** @typedef {import("../core/types.js").Message} Message */
/** @typedef {import("./page.js").Page} Page */
/**
 * @typedef {object} Props
 * @property {Page} page
 * @property {Conversation} conversation
 * @property {string | null} silencedUntil moderators let one only read
 * @property {{current: HTMLTextAreaElement | null}} box
 * @property {Message | null} editing
 * @property {(message: Message | null) => void} onEdit
 * @property {() => void} onSent
 */

const LONGEST = 4000; // characters after NFC, as the server counts

/** @param {Props} props */
export function Composer(props) {
  const { page, conversation, silencedUntil } = props;
  const other = otherPerson(conversation, page.me);
  if (silencedUntil) {
    return html`<p class="composer-closed">You can only read here until ${fullTime(silencedUntil)}.</p>`;
  }
  if (other && page.blocks.has(other.id)) {
    return html`
      <p class="composer-closed">
        You have blocked ${firstName(other.name)}.
        <button type="button" class="button" onClick=${() => page.attempt(page.blocks.set(other.id, false))}>
          Unblock to write
        </button>
      </p>
    `;
  }
  return html`<${Editor} key=${conversation.id} ...${props} />`;
}

/** @param {Props} props */
function Editor({ page, conversation, box, editing, onEdit, onSent }) {
  const { chat, drafts, uploads } = page;
  const { id } = conversation;
  const draft = drafts.of(id);
  const [revision, setRevision] = useState(/** @type {string | null} */ (null));
  const [note, setNote] = useState("");
  const [picking, setPicking] = useState(/** @type {HTMLElement | null} */ (null));
  const text = editing ? (revision ?? editing.content) : draft.text;
  const attached = editing ? [] : uploads.of(id);
  const write = (/** @type {string} */ value) => {
    setNote("");
    if (editing) return setRevision(value);
    drafts.keep(id, { text: value });
    chat.typingSignal.update(id, value.trim() !== "");
  };
  const [insert, replace] = useCaret(box, text, write);
  const completion = useCompletion(box, replace);
  const attach = (/** @type {Iterable<File>} */ files) => {
    if (uploads.add(id, files) > 0) setNote(`At most ${MOST} files go with a message`);
  };
  const recorder = useVoiceRecorder({ onRecorded: (file) => attach([file]), onProblem: setNote });

  // On a touch screen focus would raise the keyboard over what one came to read.
  const takeFocus = () => hasFinePointer() && box.current?.focus();
  useEffect(() => void takeFocus(), [recorder.recording]);
  useEffect(() => () => chat.typingSignal.update(id, false), []);
  useLayoutEffect(() => {
    if (!editing) return undefined;
    box.current?.focus();
    return () => setRevision(null);
  }, [editing?.id]);

  const length = [...text.trim().normalize("NFC")].length;
  const tooLong = length > LONGEST;
  const ready = attached.every(({ state }) => state === "ready");
  const maySend = (length > 0 || attached.length > 0) && ready && !tooLong;

  const save = async (/** @type {Message} */ message) => {
    try {
      await chat.edit(message.id, text.trim());
      onEdit(null);
    } catch (error) {
      setNote(/** @type {Error} */ (error).message);
    }
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!maySend) return;
    completion.close();
    box.current?.focus();
    if (editing) return void save(editing);
    chat.typingSignal.update(id, false);
    chat.send(id, { content: text.trim(), attachments: uploads.take(id), replyTo: draft.replyTo });
    drafts.keep(id, { text: "", replyTo: null });
    onSent();
  };
  const leave = () => {
    if (editing) onEdit(null);
    else drafts.keep(id, { replyTo: null });
  };
  const press = (/** @type {KeyboardEvent} */ event) => {
    // Safari ends a composition before the Enter that ended it; 229 is how that Enter still tells.
    if (event.isComposing || event.keyCode === 229 || completion.pressed(event)) return;
    if (event.key === "Escape") leave();
    if (event.key === "Enter" && !event.shiftKey) submit(event);
    if (event.key === "ArrowUp" && text === "" && !editing) {
      event.preventDefault();
      onEdit(lastOwn(chat.store.thread(id)?.list ?? [], page.me.id));
    }
  };
  const paste = (/** @type {ClipboardEvent} */ event) => {
    const files = event.clipboardData?.files ?? [];
    if (files.length === 0) return;
    event.preventDefault();
    attach(files);
  };
  const closePicker = () => {
    setPicking(null);
    takeFocus();
  };
  const problem = tooLong ? `${length - LONGEST} characters too long` : note;

  if (recorder.recording) {
    const { seconds, level, stop, cancel } = recorder;
    return html`<div class="composer">
      <${VoiceRecorderBar} seconds=${seconds} level=${level} onStop=${stop} onCancel=${cancel} />
    </div>`;
  }
  return html`
    <form class="composer" autocomplete="off" onSubmit=${submit}>
      <${Context} page=${page} conversation=${conversation} editing=${editing} onLeave=${leave} />
      <${Tray}
        uploads=${attached}
        onRemove=${(/** @type {string} */ key) => uploads.remove(id, key)}
        onRetry=${(/** @type {string} */ key) => uploads.retry(id, key)}
      />
      <${CompletionList} completion=${completion} />
      <div class="composer-row">
        ${!editing && html`<${AttachButtons} onFiles=${attach} />`}
        <div class="composer-box">
          <label class="visually-hidden" for="composer-text">Write a message</label>
          <textarea
            id="composer-text"
            ref=${box}
            rows=${Math.min(8, text.split("\n").length)}
            placeholder="Write a message"
            enterkeyhint="send"
            dir="auto"
            aria-describedby="composer-note"
            ...${completion.told}
            value=${text}
            onInput=${(/** @type {any} */ event) => {
              write(event.currentTarget.value);
              completion.look();
            }}
            onKeyDown=${press}
            onPaste=${paste}
            onBlur=${() => chat.typingSignal.update(id, false)}
          />
          <button
            type="button"
            class="icon-button emoji-button"
            aria-label="Emoji"
            onClick=${(/** @type {any} */ event) => setPicking(event.currentTarget)}
          >
            <${Icon} name="smile" />
          </button>
        </div>
        ${maySend || length > 0 || attached.length > 0 || !recorder.supported
          ? html`<button class="button button-primary send" type="submit" aria-label=${editing ? "Save" : "Send"} disabled=${!maySend}>
              <${Icon} name="send" />
            </button>`
          : html`<button class="button send" type="button" aria-label="Record a voice note" onClick=${recorder.start}>
              <${Icon} name="microphone" />
            </button>`}
      </div>
      <p class="composer-note" id="composer-note" role="status">${problem}</p>
      ${picking && html`<${EmojiPicker} anchor=${picking} onChoose=${insert} onClose=${closePicker} />`}
    </form>
  `;
}

/** What is answered, or edited. @param {{page: Page, conversation: Conversation, editing: Message | null,
 *   onLeave: () => void}} props */
function Context({ page, conversation, editing, onLeave }) {
  const { replyTo } = page.drafts.of(conversation.id);
  const reply = editing ? { id: editing.id, seq: editing.seq, senderId: null, excerpt: excerptOf(editing) } : replyTo;
  if (!reply) return null;
  const name = reply.senderId === page.me.id ? "yourself" : firstName(participantName(conversation, reply.senderId));
  return html`
    <div class="composer-context">
      <${Icon} name=${editing ? "edit" : "reply"} />
      <${Quote} reply=${reply} name=${editing ? "Editing" : `Answering ${name}`} />
      <button type="button" class="icon-button" aria-label=${editing ? "Cancel editing" : "Cancel reply"} onClick=${onLeave}>
        <${Icon} name="close" />
      </button>
    </div>
  `;
}

/** @param {Message[]} messages @param {string} me */
function lastOwn(messages, me) {
  return [...messages].reverse().find((message) => message.senderId === me && isEditable(message)) ?? null;
}

/**
 * Puts text where the caret is, or in place of a part, and the caret behind it.
 * @param {{current: HTMLTextAreaElement | null}} box @param {string} text @param {(text: string) => void} write
 * @returns {[(piece: string) => void, (from: number, to: number, piece: string) => void]}
 */
function useCaret(box, text, write) {
  const caret = useRef(/** @type {number | null} */ (null));
  useLayoutEffect(() => {
    if (caret.current === null || !box.current) return;
    box.current.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  });
  const replace = (/** @type {number} */ from, /** @type {number} */ to, /** @type {string} */ piece) => {
    const current = box.current?.value ?? text;
    caret.current = from + piece.length;
    write(current.slice(0, from) + piece + current.slice(to));
  };
  const insert = (/** @type {string} */ piece) => {
    const { selectionStart = text.length, selectionEnd = text.length } = box.current ?? {};
    replace(selectionStart, selectionEnd, piece);
  };
  return [insert, replace];
}
