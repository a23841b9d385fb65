/** The icons of voice notes and of the picture viewer that icons.js has not. base.css says how they are. */

import { html } from "./html.js";

/** @param {string} path */
const icon = (path) => html`<svg viewBox="0 0 20 20" aria-hidden="true"><path d=${path} /></svg>`;

export const doneIcon = () => icon("m4 10.5 4 4 8-9");
export const downloadIcon = () => icon("M10 3v10m-4-4 4 4 4-4M4 17h12");
export const nextIcon = () => icon("m7.5 4 6 6-6 6");
export const pauseIcon = () => icon("M7 4.5v11M13 4.5v11");
export const playIcon = () => icon("M6.5 4v12l9.5-6z");
export const previousIcon = () => icon("m12.5 4-6 6 6 6");
