/** Who is signed in to this page, and how its requests say so: Django's session cookie and its CSRF token. */

/** @returns {Promise<Record<string, string>>} */
export async function sessionHeaders() {
  return { "X-CSRFToken": cookie("csrftoken") };
}

/** The page to sign in on, which leads back here. */
export function signInAddress() {
  return `/sign-in/?next=${encodeURIComponent(location.pathname + location.hash)}`;
}

/** @param {string} name */
export function cookie(name) {
  const pair = document.cookie.split("; ").find((each) => each.startsWith(`${name}=`));
  return pair ? decodeURIComponent(pair.slice(name.length + 1)) : "";
}

/** What one reads with at this moment: a mouse or a trackpad, and not a finger. */
export function hasFinePointer() {
  return matchMedia("(hover: hover) and (pointer: fine)").matches;
}
