/** Who is signed in to this page, and how its requests say so: Django's session cookie and its CSRF token. */

import { ChatError } from "../core/errors.js";

/** @returns {Promise<Record<string, string>>} */
export async function sessionHeaders() {
  return { "X-CSRFToken": cookie("csrftoken") };
}

/** Ends it at the server. Raises ChatError where that cannot be reached. */
export async function signOutOfSession() {
  const headers = await sessionHeaders();
  const answer = await fetch("/sign-out/", { method: "POST", headers, redirect: "manual" }).catch(() => null);
  if (answer?.type === "opaqueredirect" || answer?.ok) return;
  throw new ChatError({ code: "disconnected", message: "Signing out needs a connection. Please try again." });
}

/** The page to sign in on, which leads back here. */
export function signInAddress() {
  return `/sign-in/?next=${encodeURIComponent(location.pathname + location.hash)}`;
}

/** @param {string} name */
function cookie(name) {
  const pair = document.cookie.split("; ").find((each) => each.startsWith(`${name}=`));
  return pair ? decodeURIComponent(pair.slice(name.length + 1)) : "";
}
