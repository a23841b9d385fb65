/** The page's icons, drawn for it: lines on a field of 20 by 20, as thick as base.css says. */

import { html } from "./html.js";

const PATHS = {
  add: "M10 4v12M4 10h12",
  attach: "m15 9-5.5 5.5a3.2 3.2 0 0 1-4.6-4.6l6-6a2.2 2.2 0 0 1 3.1 3.1l-6 6a1 1 0 0 1-1.5-1.5L12 6",
  back: "M12.5 4 6.5 10l6 6",
  bell: "M5 14h10l-1.3-2V8.5a3.7 3.7 0 0 0-7.4 0V12zM8.5 16.5h3",
  bellOff: "M5 14h10M13.7 10.5v-2a3.7 3.7 0 0 0-6.2-2.7M6.3 9v3L5 14M8.5 16.5h3M3.5 3.5l13 13",
  block: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14M5 5l10 10",
  camera: "M3 6.5h3L7.5 4h5L14 6.5h3v9H3zM10 13a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8",
  close: "m5 5 10 10M15 5 5 15",
  copy: "M7 7V4h9v9h-3M4 7h9v9H4z",
  done: "m4 10.5 4 4 8-9",
  down: "M10 4v12M5 11l5 5 5-5",
  download: "M10 3v10m-4-4 4 4 4-4M4 17h12",
  edit: "m4 16 .8-3.5L13.5 3.8l2.7 2.7-8.7 8.7zM12 5.3 14.7 8",
  eye: "M2.5 10S5.5 5 10 5s7.5 5 7.5 5-3 5-7.5 5-7.5-5-7.5-5M10 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4",
  file: "M5.5 3h6l3 3v11h-9zM11.5 3v3h3M8 10h4M8 13h4",
  flag: "M5 17V3.5M5 4h9.5l-2 3 2 3H5",
  more: "M4.5 10.3v-.6M10 10.3v-.6M15.5 10.3v-.6",
  next: "m7.5 4 6 6-6 6",
  pause: "M7 4.5v11M13 4.5v11",
  play: "M6.5 4v12l9.5-6z",
  previous: "m12.5 4-6 6 6 6",
  remove: "M4 6h12M8 6V4h4v2M6 6l.7 10.5h6.6L14 6M8.7 9v4.5M11.3 9v4.5",
  reply: "M8.5 5 4 9.5 8.5 14M4 9.5h7a5 5 0 0 1 5 5v1",
  search: "M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11M13 13l3.7 3.7",
  send: "M10 16V4M5 9l5-5 5 5",
  smile: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14M7.3 11.5c1.2 2 4.2 2 5.4 0M7.7 8h.01M12.3 8h.01",
  microphone: "M10 12a2.5 2.5 0 0 0 2.5-2.5v-4a2.5 2.5 0 0 0-5 0v4A2.5 2.5 0 0 0 10 12M5 9.5a5 5 0 0 0 10 0M10 14.5V17",
};

/** Beside a word, or in a control that has its own label: never read out. @param {{name: keyof typeof PATHS}} props */
export function Icon({ name }) {
  return html`<svg viewBox="0 0 20 20" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
