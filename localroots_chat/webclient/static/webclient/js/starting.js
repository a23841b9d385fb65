/**
 * Until the page's modules are here: where one of them cannot be had, as on a bad line, says so and offers to try again.
 * A plain script, for modules that are missing cannot say it themselves.
 */

addEventListener(
  "error",
  ({ target }) => {
    const starting = document.querySelector(".starting");
    if (!(target instanceof HTMLScriptElement) || !starting) return;
    const again = Object.assign(document.createElement("button"), { type: "button", className: "button" });
    again.textContent = "Try again";
    again.onclick = () => location.reload();
    starting.replaceChildren("The page could not be loaded in full.", again);
  },
  true, // what happens to an element does not bubble
);
