/** One picture, as large as the window allows; Escape, a click and the button close it. */

import { byId, el } from "./dom.js";

/** @param {import("./types.js").Attachment} attachment */
export function showPicture({ url, name, width, height }) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("lightbox"));
  dialog.replaceChildren(
    el("img", { src: url, alt: name, width, height }),
    el(
      "p",
      {},
      el("span", { text: name }),
      el("a", { href: url, download: name, text: "Save" }),
      el("button", { type: "button", class: "text-button", text: "Close", onclick: () => dialog.close() }),
    ),
  );
  dialog.onclick = (event) => event.target instanceof HTMLAnchorElement || dialog.close();
  dialog.showModal();
}
