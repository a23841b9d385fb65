/**
 * Keeps the page above a phone's keyboard. Chromium makes the page lower by itself (interactive-widget in the viewport's
 * meta element); Safari only moves it, so there it is made as high as what can be seen of it.
 */

export function stayAboveKeyboard() {
  const { visualViewport } = window;
  visualViewport?.addEventListener("resize", () => {
    const { scale, height } = visualViewport;
    const covered = scale === 1 && innerHeight - height > 1; // zoomed in, one sees less on purpose
    document.documentElement.style.setProperty("--visible-height", covered ? `${height}px` : "");
    if (covered) scrollTo(0, 0); // where Safari has moved it to
  });
}
