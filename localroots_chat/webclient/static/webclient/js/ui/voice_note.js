/**
 * Plays a sound of a message: a button, the sound as bars to move about in, and the time. One sounds at a
 * time on the page. Nothing of it is loaded before it is played.
 */

import { minutes } from "./duration.js";
import { classes, html, useEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { Waveform } from "./waveform.js";

/** @typedef {import("../core/types.js").Attachment} Attachment */
/** @typedef {{playing: boolean, failed: boolean, position: number, duration: number}} State */

const BARS = 40; // as many as are still apart in a narrow bubble
const LEVEL = Array.from({ length: BARS }, () => 8); // of a sound whose loudness nobody measured
const STEPS = 20; // key presses from its beginning to its end

/** @type {HTMLAudioElement | null} */
let sounding = null;

/** @param {{attachment: Attachment, own: boolean}} props */
export function VoiceNote({ attachment, own }) {
  const { url, name, waveform } = attachment;
  const sound = useSound(attachment);
  const label = name.startsWith("voice-note-") ? "Voice note" : name;
  return html`<div class=${classes("voice-note", { own })} role="group" aria-label=${label}>
    <button
      type="button"
      class="voice-note-play"
      aria-label=${sound.playing ? "Pause" : "Play"}
      onClick=${sound.toggle}
    >
      <${Icon} name=${sound.playing ? "pause" : "play"} />
    </button>
    <div class="voice-note-body">
      ${label === name && html`<p class="voice-note-name">${name}</p>`}
      <${Seek} sound=${sound} values=${waveform?.length ? fewer(waveform) : LEVEL} />
    </div>
    ${sound.failed &&
    html`<p class="voice-note-problem" role="alert">
      This could not be played. <a href=${url} download=${name}>Download it</a>
    </p>`}
  </div>`;
}

/**
 * Where in the sound it is, and the way to elsewhere: by a click, by dragging, by keys.
 * @param {{sound: ReturnType<typeof useSound>, values: number[]}} props
 */
function Seek({ sound, values }) {
  const { duration, playing } = sound;
  const bars = useRef(/** @type {HTMLElement | null} */ (null));
  const [dragged, setDragged] = useState(/** @type {number | null} */ (null));
  const position = dragged ?? sound.position;

  const under = (/** @type {PointerEvent} */ event) => {
    const { left, width } = /** @type {HTMLElement} */ (bars.current).getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - left) / width)) * duration;
  };
  const begin = (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0 || !duration) return;
    bars.current?.setPointerCapture(event.pointerId);
    setDragged(under(event));
  };
  const move = (/** @type {PointerEvent} */ event) => dragged !== null && setDragged(under(event));
  const end = (/** @type {PointerEvent} */ event) => {
    if (dragged !== null) sound.seek(under(event));
    setDragged(null);
  };
  const press = (/** @type {KeyboardEvent} */ event) => {
    const wanted = afterKey(event.key, position, duration);
    if (wanted === null) return;
    event.preventDefault();
    sound.seek(wanted);
  };
  const shown = position > 0 || playing ? position : duration;
  return html`<div
      class=${classes("voice-note-seek", { playing: playing && dragged === null })}
      ref=${bars}
      role="slider"
      tabindex="0"
      aria-label="Position"
      aria-valuemin="0"
      aria-valuemax=${Math.round(duration)}
      aria-valuenow=${Math.round(position)}
      aria-valuetext=${`${minutes(position)} of ${minutes(duration)}`}
      onPointerDown=${begin}
      onPointerMove=${move}
      onPointerUp=${end}
      onPointerCancel=${() => setDragged(null)}
      onKeyDown=${press}
    >
      <${Waveform} values=${values} share=${duration ? position / duration : 0} />
    </div>
    <span class="voice-note-time">${shown ? minutes(shown) : ""}</span>`;
}

/**
 * The new position; null for any other key.
 * @param {string} key
 * @param {number} position
 * @param {number} duration
 */
function afterKey(key, position, duration) {
  const step = duration / STEPS;
  if (key === "ArrowRight" || key === "ArrowUp") return Math.min(duration, position + step);
  if (key === "ArrowLeft" || key === "ArrowDown") return Math.max(0, position - step);
  if (key === "Home") return 0;
  return key === "End" ? duration : null;
}

/** The sound of an attachment, which goes on while it is drawn again. @param {Attachment} attachment */
function useSound({ url, duration }) {
  const audio = useRef(/** @type {HTMLAudioElement | null} */ (null));
  const beginning = { playing: false, failed: false, position: 0, duration: duration ?? 0 };
  const [state, setState] = useState(beginning);
  const change = (/** @type {Partial<State>} */ part) => setState((now) => ({ ...now, ...part }));
  useEffect(() => () => release(audio.current), []);

  const toggle = () => {
    if (state.playing) return audio.current?.pause();
    if (audio.current === null || state.failed) {
      audio.current = newAudio(url, state.position, change);
      change({ failed: false });
    }
    audio.current.play().catch(() => {}); // its events tell
  };
  const seek = (/** @type {number} */ position) => {
    if (audio.current) audio.current.currentTime = position;
    change({ position });
  };
  return { ...state, toggle, seek };
}

/**
 * @param {string} url
 * @param {number} position where to begin
 * @param {(part: Partial<State>) => void} onChange
 */
function newAudio(url, position, onChange) {
  const audio = new Audio();
  audio.preload = "none";
  audio.src = url;
  audio.onloadedmetadata = () => {
    if (position > 0) audio.currentTime = position;
    if (Number.isFinite(audio.duration)) onChange({ duration: audio.duration });
  };
  audio.onplay = () => {
    if (sounding !== audio) sounding?.pause();
    sounding = audio;
    onChange({ playing: true });
  };
  audio.onpause = () => onChange({ playing: false });
  audio.ontimeupdate = () => onChange({ position: audio.currentTime });
  audio.onended = () => {
    audio.currentTime = 0;
    onChange({ playing: false, position: 0 });
  };
  audio.onerror = () => onChange({ playing: false, failed: true });
  return audio;
}

/** Ends it and what is still being loaded of it. @param {HTMLAudioElement | null} audio */
function release(audio) {
  if (audio === null) return;
  audio.onerror = null; // to have no source any more is one
  audio.pause();
  audio.removeAttribute("src");
  audio.load();
}

/** The loudest of each few, so that no peak is lost. @param {number[]} values */
function fewer(values) {
  const count = Math.min(BARS, values.length);
  const at = (/** @type {number} */ index) => Math.floor((index * values.length) / count);
  return Array.from({ length: count }, (_, index) => Math.max(...values.slice(at(index), at(index + 1))));
}
