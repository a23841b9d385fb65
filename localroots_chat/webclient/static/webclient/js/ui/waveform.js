/** How loud a sound is, drawn as bars beside each other; what has been played of it in another colour. */

import { html } from "./html.js";

/** @param {{values: number[], share?: number}} props values 0 to 100, share 0 to 1 */
export function Waveform({ values, share = 0 }) {
  const bars = (/** @type {string} */ name, style = {}) =>
    html`<svg class=${name} style=${style} viewBox="0 0 ${values.length} 100" preserveAspectRatio="none">
      <path d=${values.map(bar).join("")} vector-effect="non-scaling-stroke" />
    </svg>`;
  const played = { clipPath: `inset(0 ${100 - share * 100}% 0 0)` };
  return html`<span class="waveform" aria-hidden="true">
    ${bars("waveform-all")}${share > 0 && bars("waveform-played", played)}
  </span>`;
}

/** @param {number} value @param {number} index */
function bar(value, index) {
  const height = Math.max(1, value); // of no length at all it would not be drawn
  return `M${index + 0.5} ${50 - height / 2}v${height}`;
}
