/** Who has read a message, and when. */

import { Avatar } from "./avatar.js";
import { Dialog } from "./dialog.js";
import { html, useEffect, useState } from "./html.js";
import { brief } from "./time.js";

/** @typedef {{user: import("../core/types.js").User, readAt: string}} Reader */

/** @param {{page: import("./page.js").Page, message: import("../core/types.js").Message, onClose: () => void}} props */
export function SeenBy({ page, message, onClose }) {
  const [readers, setReaders] = useState(/** @type {Reader[] | null} */ (null));
  useEffect(() => {
    void page.attempt(page.chat.rest.receipts(message.id).then(setReaders));
  }, [message.id]);
  return html`
    <${Dialog} title="Seen by" onClose=${onClose}>
      ${readers === null && html`<p class="dialog-note" role="status">Loading…</p>`}
      ${readers?.length === 0 && html`<p class="dialog-note">Nobody who shows it has read it yet.</p>`}
      <ul class="people">
        ${(readers ?? []).map(
          ({ user, readAt }) => html`
            <li class="person" key=${user.id}>
              <${Avatar} ...${user} /><span class="person-name">${user.name}</span>
              <span class="person-detail">${brief(readAt)}</span>
            </li>
          `,
        )}
      </ul>
    <//>
  `;
}
