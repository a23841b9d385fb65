/** Telling the marketplace's team what is wrong with a message, a person or a group. */

import { ChatError } from "../core/errors.js";
import { Dialog } from "./dialog.js";
import { html, useState } from "./html.js";

const REASONS = [
  ["SPAM", "Advertising or spam"],
  ["ABUSE", "Insults, threats or hate"],
  ["FRAUD", "A fraud, or somebody poses as another"],
  ["ILLEGAL", "Something that is against the law"],
  ["OTHER", "Something else"],
];

/** @param {{page: import("./page.js").Page, kind: "message" | "user" | "group", id: string, onClose: () => void}} props */
export function ReportDialog({ page, kind, id, onClose }) {
  const [problem, setProblem] = useState("");
  const send = async (/** @type {any} */ event) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    try {
      await page.chat.rest.report({ kind, id, reason: String(fields.get("reason")), note: String(fields.get("note")) });
      onClose();
      page.notify("Thank you. The team will look at it.");
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      setProblem(error.message);
    }
  };
  return html`
    <${Dialog} title=${`Report this ${kind === "user" ? "person" : kind}`} onClose=${onClose}>
      <form class="report" onSubmit=${send}>
        <p class="dialog-note">Whom it is about does not learn of it.</p>
        <fieldset>
          <legend class="visually-hidden">What is wrong?</legend>
          ${REASONS.map(
            ([value, text], index) => html`
              <label key=${value}>
                <input type="radio" name="reason" value=${value} required defaultChecked=${index === 0} /> ${text}
              </label>
            `,
          )}
        </fieldset>
        <label>Anything to add?<textarea name="note" rows="3" maxlength="1000" /></label>
        ${problem && html`<p class="form-error" role="alert">${problem}</p>`}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick=${onClose}>Cancel</button>
          <button type="submit" class="button button-primary">Report</button>
        </div>
      </form>
    <//>
  `;
}
