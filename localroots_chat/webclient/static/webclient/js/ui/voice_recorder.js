/**
 * Records a voice note with the microphone: the hook that does it, and the row that stands in the composer
 * meanwhile. Where the file goes is not known here.
 */

import { minutes } from "./duration.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { Waveform } from "./waveform.js";

const LONGEST = 600; // seconds
const BITS = 48_000; // a second: ten minutes stay far below what an upload may weigh
const MEASURED = 100; // milliseconds from one level to the next
const KINDS = [
  { type: "audio/webm", codecs: ";codecs=opus", extension: "webm" },
  { type: "audio/mp4", codecs: "", extension: "m4a" },
  { type: "audio/ogg", codecs: ";codecs=opus", extension: "ogg" },
];
const IDLE = { recording: false, seconds: 0, level: 0 };
const SHAPE = Array.from({ length: 28 }, (_, at) => 45 + 30 * Math.sin(at * 1.7) + 25 * Math.sin(at * 0.6));

/**
 * `supported` is false where the page may not ask for the microphone, as over http.
 * @param {{onRecorded: (file: File) => void, onProblem: (sentence: string) => void}} props
 */
export function useVoiceRecorder({ onRecorded, onProblem }) {
  const [state, setState] = useState(IDLE);
  const current = useRef(/** @type {Recording | null} */ (null));
  const told = useRef({ onRecorded, onProblem });
  told.current = { onRecorded, onProblem };
  useEffect(() => () => current.current?.stop(), []); // who goes elsewhere meanwhile finds it when they come back

  const start = async () => {
    if (current.current) return;
    current.current = new Recording((seconds, level) => setState({ recording: true, seconds, level }));
    try {
      const file = await current.current.recorded();
      if (file) told.current.onRecorded(file);
    } catch (error) {
      told.current.onProblem(sentenceOf(error));
    }
    current.current = null;
    setState(IDLE);
  };
  return {
    ...state,
    supported: navigator.mediaDevices !== undefined && kind() !== undefined,
    start,
    stop: () => current.current?.stop(),
    cancel: () => current.current?.cancel(),
  };
}

/** One recording, from asking for the microphone to letting go of it. */
class Recording {
  #cancelled = false;
  /** @type {MediaRecorder | null} */ #recorder = null;

  /** @param {(seconds: number, level: number) => void} onMeasured */
  constructor(onMeasured) {
    this.onMeasured = onMeasured;
  }

  /** The file, once it is stopped; null where it is cancelled. */
  async recorded() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    try {
      const sound = this.#cancelled ? null : await this.#listen(stream);
      return sound && !this.#cancelled ? fileOf(sound) : null;
    } finally {
      for (const track of stream.getTracks()) track.stop();
    }
  }

  stop() {
    if (this.#recorder?.state === "recording") this.#recorder.stop();
  }

  cancel() {
    this.#cancelled = true;
    this.stop();
  }

  /** @param {MediaStream} stream @returns {Promise<Blob>} */
  async #listen(stream) {
    const { type, codecs } = /** @type {typeof KINDS[number]} */ (kind());
    const recorder = new MediaRecorder(stream, { mimeType: type + codecs, audioBitsPerSecond: BITS });
    /** @type {Blob[]} */ const parts = [];
    const stopped = new Promise((resolve, reject) => {
      recorder.ondataavailable = ({ data }) => parts.push(data);
      recorder.onstop = resolve; // also where the microphone is pulled out
      recorder.onerror = reject;
    });
    this.#recorder = recorder;
    recorder.start();
    const silence = this.#measure(stream);
    try {
      await stopped;
    } finally {
      silence();
    }
    return new Blob(parts, { type });
  }

  /** Tells how long and how loud it is, until what is returned is called. @param {MediaStream} stream */
  #measure(stream) {
    const began = performance.now();
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const measure = () => {
      analyser.getFloatTimeDomainData(samples);
      const seconds = (performance.now() - began) / 1000;
      this.onMeasured(Math.floor(seconds), loudness(samples));
      if (seconds >= LONGEST) this.stop();
    };
    measure();
    const timer = setInterval(measure, MEASURED);
    return () => {
      clearInterval(timer);
      void context.close();
    };
  }
}

/** The first kind of file that this browser can record. */
function kind() {
  if (!("MediaRecorder" in window)) return undefined;
  return KINDS.find(({ type, codecs }) => MediaRecorder.isTypeSupported(type + codecs));
}

/** 0 to 1, where speaking calmly is about a half. @param {Float32Array} samples */
function loudness(samples) {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  return Math.min(1, 1.7 * Math.sqrt(Math.sqrt(power)));
}

/** @param {Blob} sound */
function fileOf(sound) {
  if (sound.size === 0) throw new DOMException("Nothing was heard.", "NotReadableError");
  const extension = KINDS.find(({ type }) => type === sound.type)?.extension;
  return new File([sound], `voice-note-${stamp(new Date())}.${extension}`, { type: sound.type });
}

/** As the clock on the wall has it: 2026-03-09-0805. @param {Date} now */
function stamp(now) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join("-");
  return `${day}-${two(now.getHours())}${two(now.getMinutes())}`;
}

/** @param {unknown} error */
function sentenceOf(error) {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") {
    return "This page may not use the microphone. The browser's settings for the page can allow it.";
  }
  if (name === "NotFoundError") return "No microphone was found.";
  return "The microphone could not be used. Another program may be using it.";
}

/** @param {{seconds: number, level: number, onStop: () => void, onCancel: () => void}} props */
export function VoiceRecorderBar({ seconds, level, onStop, onCancel }) {
  const done = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useEffect(() => done.current?.focus(), []); // the button that was pressed to begin is gone
  return html`<div class="voice-recorder" role="group" aria-label="Voice note">
    <span class="visually-hidden" role="status">Recording</span>
    <span class="voice-recorder-dot" aria-hidden="true" />
    <span class="voice-recorder-time" role="timer">${minutes(seconds)}</span>
    <${Waveform} values=${SHAPE.map((height) => height * level)} />
    <button type="button" class="button button-quiet" onClick=${onCancel}>
      <${Icon} name="remove" /><span class="voice-recorder-cancel">Cancel</span>
    </button>
    <button type="button" class="button button-primary" ref=${done} onClick=${onStop}>
      <${Icon} name="done" /> Done
    </button>
  </div>`;
}
