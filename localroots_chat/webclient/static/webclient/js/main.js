/** The composition of the page at /: who is signed in, the chat, and what draws it. */

import { ChatClient } from "./core/client.js";
import { App } from "./ui/app.js";
import { html, render } from "./ui/html.js";
import { stayAboveKeyboard } from "./ui/keyboard.js";
import { Page } from "./ui/page.js";
import { sessionHeaders, signInAddress } from "./ui/session.js";

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
const chat = new ChatClient({
  me: JSON.parse(document.getElementById("me")?.textContent ?? "{}"),
  baseUrl: location.origin,
  headers: sessionHeaders,
  ticket: () => chat.rest.ticket(),
});
const page = new Page(chat);

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") chat.wake();
});
addEventListener("beforeunload", (event) => {
  if (page.uploads.count > 0) event.preventDefault(); // files are not kept as texts are
});
// A file that is dropped beside the thread would else be opened in place of the page.
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
stayAboveKeyboard();
chat.tabs.on("signed out", () => location.assign(signInAddress()));
root.replaceChildren(); // what stood there until this script came
render(html`<${App} page=${page} logo=${root.dataset.logo} />`, root);
chat.start();
