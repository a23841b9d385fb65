/**
 * Where a message is written or edited. Enter sends, Shift+Enter begins a line; while an input method is composing,
 * Enter belongs to it. What was begun in a conversation is still there when its writer comes back to it.
 */

import { firstName, nameIn, otherPerson } from "../core/people.js";
import { MOST } from "../core/uploads.js";
import { AttachButtons } from "./attach_buttons.js";
import { CompletionList, useCompletion } from "./completion.js";
import { EmojiPicker } from "./emoji.js";
import { html, useEffect, useLayoutEffect, useReducer, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { Quote } from "./message.js";
import { isEditable } from "./message_actions.js";
import { hasFinePointer } from "./pointer.js";
import { excerptOf } from "./preview.js";
import { fullTime } from "./time.js";
import { Tray } from "./tray.js";
import { useVoiceRecorder, VoiceRecorderBar } from "./voice_recorder.js";

/** @typedef {import("../core/types.js").Conversation} Conversation */
/** @typedef {import("../core/types.js").Message} Message */
/** @typedef {import("./page.js").Page} Page */
/** @typedef {{current: HTMLTextAreaElement | null}} Box */
/**
 * @typedef {object} Props
 * @property {Page} page
 * @property {Conversation} conversation
 * @property {string | null} silencedUntil moderators let one only read
 * @property {Box} box
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
function Editor({ page, conversation, box, onSent }) {
  const { chat, drafts, edits, uploads } = page;
  const { id } = conversation;
  const [note, setNote] = useState("");
  const [picking, setPicking] = useState(/** @type {HTMLElement | null} */ (null));
  const { text, edit, write } = useText(page, id, box);
  const [insert, replace] = useCaret(box, text, write);
  const completion = useCompletion(box, replace);
  const attached = edit ? [] : uploads.of(id);
  const attach = (/** @type {Iterable<File>} */ files) => {
    if (uploads.add(id, files) > 0) setNote(`At most ${MOST} files go with a message`);
  };
  const recorder = useVoiceRecorder({ onRecorded: (file) => attach([file]), onProblem: setNote });
  // On a touch screen focus would raise the keyboard over what one came to read.
  const takeFocus = () => hasFinePointer() && box.current?.focus();
  useEffect(() => void takeFocus(), [recorder.recording]);

  const problem = problemOf(text);
  const isEmpty = text.trim() === "" && attached.length === 0;
  const maySend = !isEmpty && !problem && attached.every(({ state }) => state === "ready");
  const [saving, save] = useSaving(page, setNote);

  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!maySend || saving) return;
    setNote("");
    completion.close();
    box.current?.focus();
    if (edit) return void save(edit);
    const { replyTo } = drafts.of(id);
    chat.typingSignal.update(id, false);
    chat.send(id, { content: text.trim(), attachments: uploads.take(id), replyTo });
    drafts.clear(id);
    onSent();
  };
  const leave = () => (edit ? edits.end(edit.message) : drafts.answer(id, null));
  const press = (/** @type {KeyboardEvent} */ event) => {
    // Safari ends a composition before the Enter that ended it; 229 is how that Enter still tells.
    if (event.isComposing || event.keyCode === 229 || completion.pressed(event)) return;
    if (event.key === "Escape") leave();
    if (event.key === "Enter" && !event.shiftKey) submit(event);
    if (event.key === "ArrowUp" && text === "" && !edit) {
      event.preventDefault();
      editLast(page, id);
    }
  };
  const input = (/** @type {any} */ event) => {
    setNote("");
    write(event.currentTarget.value);
    completion.look();
  };
  const closePicker = () => {
    setPicking(null);
    takeFocus();
  };

  if (recorder.recording) {
    const { seconds, level, stop, cancel } = recorder;
    return html`<div class="composer">
      <${VoiceRecorderBar} seconds=${seconds} level=${level} onStop=${stop} onCancel=${cancel} />
    </div>`;
  }
  return html`
    <form class="composer" autocomplete="off" onSubmit=${submit}>
      <${Context} page=${page} conversation=${conversation} onLeave=${leave} />
      <${Tray}
        uploads=${attached}
        onRemove=${(/** @type {string} */ key) => uploads.remove(id, key)}
        onRetry=${(/** @type {string} */ key) => uploads.retry(id, key)}
      />
      <${CompletionList} completion=${completion} />
      <div class="composer-row">
        ${!edit && html`<${AttachButtons} onFiles=${attach} />`}
        <div class="composer-box">
          <label class="visually-hidden" for="composer-text">Write a message</label>
          <textarea
            id="composer-text"
            ref=${box}
            rows="1"
            placeholder="Write a message"
            enterkeyhint="send"
            dir="auto"
            aria-describedby="composer-note"
            ...${completion.told}
            value=${text}
            onInput=${input}
            onKeyDown=${press}
            onPaste=${(/** @type {ClipboardEvent} */ event) => pastedFiles(event, attach)}
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
        ${isEmpty && recorder.supported && !edit
          ? html`<button class="button send" type="button" aria-label="Record a voice note" onClick=${recorder.start}>
              <${Icon} name="microphone" />
            </button>`
          : html`<button
              class="button button-primary send"
              type="submit"
              aria-label=${edit ? "Save" : "Send"}
              disabled=${!maySend || saving}
            >
              <${Icon} name="send" />
            </button>`}
      </div>
      <p class="composer-note" id="composer-note" role="status">${problem || note}</p>
      ${picking && html`<${EmojiPicker} anchor=${picking} onChoose=${insert} onClose=${closePicker} />`}
    </form>
  `;
}

/**
 * What stands in the box: the draft, or a message that is being edited. Writing draws the composer alone.
 * @param {Page} page @param {string} id @param {Box} box
 */
function useText({ chat, drafts, edits }, id, box) {
  const [, redraw] = useReducer((/** @type {number} */ count) => count + 1, 0);
  const edit = edits.of(id);
  const text = edit ? edit.text : drafts.of(id).text;
  useEffect(() => () => chat.typingSignal.update(id, false), []);
  useLayoutEffect(() => void (edit && box.current?.focus()), [edit?.message.id]);
  useLayoutEffect(() => grow(box.current), [text]);
  const write = (/** @type {string} */ value) => {
    if (edit) edits.write(edit, value);
    else {
      drafts.write(id, value);
      chat.typingSignal.update(id, value.trim() !== "");
    }
    redraw(undefined);
  };
  return { text, edit, write };
}

/** As high as what is in it, where CSS does not do that. @param {HTMLTextAreaElement | null} box */
function grow(box) {
  if (!box || CSS.supports("field-sizing", "content")) return;
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + 2}px`; // and its border
}

/** Saves what was edited; it stays where that fails. @param {Page} page @param {(note: string) => void} setNote
 * @returns {[boolean, (edit: import("./edits.js").Edit) => Promise<void>]} */
function useSaving({ chat, edits }, setNote) {
  const [saving, setSaving] = useState(false);
  const save = async (/** @type {import("./edits.js").Edit} */ { message, text }) => {
    setSaving(true);
    try {
      await chat.edit(message.id, text.trim());
      edits.end(message);
    } catch (error) {
      setNote(/** @type {Error} */ (error).message);
    } finally {
      setSaving(false);
    }
  };
  return [saving, save];
}

/** @param {string} text */
function problemOf(text) {
  const length = [...text.trim().normalize("NFC")].length;
  return length > LONGEST ? `${length - LONGEST} characters too long` : "";
}

/** @param {ClipboardEvent} event @param {(files: FileList) => void} attach */
function pastedFiles(event, attach) {
  const { files } = event.clipboardData ?? {};
  if (!files?.length) return;
  event.preventDefault();
  attach(files);
}

/** One's own last message, where it can still be edited. @param {Page} page @param {string} id */
function editLast({ chat, edits, me }, id) {
  const messages = chat.store.thread(id)?.list ?? [];
  const last = [...messages].reverse().find((message) => message.senderId === me.id && isEditable(message));
  if (last) edits.begin(last);
}

/** What is answered, or edited. @param {{page: Page, conversation: Conversation, onLeave: () => void}} props */
function Context({ page, conversation, onLeave }) {
  const edit = page.edits.of(conversation.id)?.message;
  const { replyTo } = page.drafts.of(conversation.id);
  const reply = edit ? { id: edit.id, seq: edit.seq, senderId: null, excerpt: excerptOf(edit) } : replyTo;
  if (!reply) return null;
  const name = reply.senderId === page.me.id ? "yourself" : firstName(nameIn(page.chat.store, conversation, reply.senderId));
  return html`
    <div class="composer-context">
      <${Icon} name=${edit ? "edit" : "reply"} />
      <${Quote} reply=${reply} name=${edit ? "Editing" : `Answering ${name}`} />
      <button type="button" class="icon-button" aria-label=${edit ? "Cancel editing" : "Cancel reply"} onClick=${onLeave}>
        <${Icon} name="close" />
      </button>
    </div>
  `;
}

/**
 * Puts text where the caret is, or in place of a part, and the caret behind it.
 * @param {Box} box @param {string} text @param {(text: string) => void} write
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
