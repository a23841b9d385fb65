/**
 * Pictures, one at a time, as large as the window allows: the next and the one before by buttons, keys and
 * swiping, full size by a double click. Which pictures, and where from, is for who opens it.
 */

import { classes, html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { isSlow } from "./line.js";
import { useModal } from "./modal.js";

/** @typedef {import("../core/types.js").Attachment} Attachment */
/** @typedef {{x: number, y: number}} Point */

const SWIPE = 60; // pixels
const SLIP = 10; // pixels that a finger moves in a tap
const DOUBLE = 350; // milliseconds between two taps

/** @param {{pictures: Attachment[], index: number, onClose: () => void}} props */
export function Lightbox({ pictures, index, onClose }) {
  const { close, properties } = useModal(onClose);
  const [url, setUrl] = useState(pictures[index].url); // not where it stands: others may come before it
  const at = Math.max(0, pictures.findIndex((picture) => picture.url === url));
  const picture = pictures[at];
  const several = pictures.length > 1;
  const step = (/** @type {number} */ by) => pictures[at + by] && setUrl(pictures[at + by].url);
  useEffect(() => preload([pictures[at + 1], pictures[at - 1]]), [url]);

  const press = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  };
  return html`<dialog ...${properties} class="lightbox" aria-label=${picture.name} onKeyDown=${press}>
    <header class="lightbox-bar">
      <p class="lightbox-name">${picture.name}</p>
      ${several && html`<p class="lightbox-count" aria-live="polite">${at + 1} of ${pictures.length}</p>`}
      <a class="button" href=${picture.url} download=${picture.name}><${Icon} name="download" /> Save</a>
      <button type="button" class="button" aria-label="Close" autofocus onClick=${close}>
        <${Icon} name="close" />
      </button>
    </header>
    <${Stage} key=${picture.url} picture=${picture} onStep=${step} onClose=${close} />
    ${several &&
    html`<${Step} by=${-1} possible=${at > 0} onStep=${step} />
      <${Step} by=${1} possible=${at < pictures.length - 1} onStep=${step} />`}
  </dialog>`;
}

/** @param {{by: 1 | -1, possible: boolean, onStep: (by: number) => void}} props */
function Step({ by, possible, onStep }) {
  // At the end it is not `disabled`, which would take the focus away from under the arrow keys.
  return html`<button
    type="button"
    class=${classes("button lightbox-step", { "lightbox-next": by > 0 })}
    aria-label=${by > 0 ? "Next picture" : "Previous picture"}
    aria-disabled=${!possible}
    onClick=${() => onStep(by)}
  >
    <${Icon} name=${by > 0 ? "next" : "previous"} />
  </button>`;
}

/**
 * One picture. Its place has the final size at once, with what is already there of it in it.
 * @param {{picture: Attachment, onStep: (by: number) => void, onClose: () => void}} props
 */
function Stage({ picture, onStep, onClose }) {
  const { thumbnailUrl, placeholder, name, width, height } = picture;
  const [state, setState] = useState(/** @type {"loading" | "loaded" | "failed"} */ ("loading"));
  const { stage, frame, zoomedWidth, toggle } = useZoom(width ?? 0);
  const { dragged, wasDragged, handlers } = useSwipe(zoomedWidth === null, onStep);
  const tapped = useDouble(toggle);

  const clicked = (/** @type {MouseEvent} */ event) => {
    if (wasDragged()) return;
    if (event.target === stage.current) onClose();
    else tapped(event);
  };
  const early = [thumbnailUrl, placeholder].flatMap((address) => (address ? `url("${address}")` : []));
  const style = {
    "--width": width,
    "--height": height,
    width: zoomedWidth === null ? "" : `${zoomedWidth}px`,
    transform: dragged ? `translateX(${dragged}px)` : "",
    backgroundImage: state === "loaded" ? "" : early.join(","),
  };
  const stageClass = classes("lightbox-stage", { zoomed: zoomedWidth !== null });
  return html`<div ...${handlers} class=${stageClass} ref=${stage} onClick=${clicked}>
    <div class="lightbox-frame" ref=${frame} style=${style}>
      <img
        src=${addressOf(picture)}
        alt=${name}
        draggable=${false}
        class=${classes("lightbox-picture", { loaded: state === "loaded" })}
        onLoad=${() => setState("loaded")}
        onError=${() => setState("failed")}
      />
    </div>
    ${state === "failed" && html`<p class="lightbox-note" role="alert">The picture could not be loaded.</p>`}
  </div>`;
}

/** Full size and back, at the point that was asked for. @param {number} natural the picture's own width */
function useZoom(natural) {
  const stage = useRef(/** @type {HTMLElement | null} */ (null));
  const frame = useRef(/** @type {HTMLElement | null} */ (null));
  const [zoomed, setZoomed] = useState(/** @type {{width: number, at: Point} | null} */ (null));
  useLayoutEffect(() => {
    if (zoomed && stage.current && frame.current) centre(stage.current, frame.current, zoomed.at);
  }, [zoomed]);

  const toggle = (/** @type {MouseEvent} */ event) => {
    if (zoomed || !frame.current) return setZoomed(null);
    const { left, top, width, height } = frame.current.getBoundingClientRect();
    const at = { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
    setZoomed({ width: Math.max(natural, 2 * width), at });
  };
  return { stage, frame, zoomedWidth: zoomed?.width ?? null, toggle };
}

/** @param {HTMLElement} stage @param {HTMLElement} frame @param {Point} at shares of the frame */
function centre(stage, frame, at) {
  stage.scrollLeft = at.x * frame.offsetWidth - stage.clientWidth / 2;
  stage.scrollTop = at.y * frame.offsetHeight - stage.clientHeight / 2;
}

/**
 * Follows a finger, and steps where it went far enough.
 * @param {boolean} possible
 * @param {(by: number) => void} onStep
 */
function useSwipe(possible, onStep) {
  const began = useRef(/** @type {Point | null} */ (null));
  const far = useRef(false);
  const [dragged, setDragged] = useState(0);
  const moved = (/** @type {PointerEvent} */ event) => {
    if (!began.current) return 0;
    const { x, y } = { x: event.clientX - began.current.x, y: event.clientY - began.current.y };
    if (Math.hypot(x, y) > SLIP) far.current = true;
    return possible && event.pointerType !== "mouse" && Math.abs(x) > Math.abs(y) ? x : 0;
  };
  const end = () => {
    began.current = null;
    setDragged(0);
  };
  const handlers = {
    onPointerDown: (/** @type {PointerEvent} */ event) => {
      end();
      far.current = false;
      if (event.isPrimary) began.current = { x: event.clientX, y: event.clientY }; // two fingers are no swipe
    },
    onPointerMove: (/** @type {PointerEvent} */ event) => setDragged(moved(event)),
    onPointerUp: (/** @type {PointerEvent} */ event) => {
      const by = moved(event);
      end();
      if (Math.abs(by) > SWIPE) onStep(by > 0 ? -1 : 1);
    },
    onPointerCancel: end,
  };
  return { dragged, wasDragged: () => far.current, handlers };
}

/**
 * The second of two taps at about the same place; not every phone tells of a dblclick.
 * @param {(event: MouseEvent) => void} then
 */
function useDouble(then) {
  const first = useRef({ time: -Infinity, x: 0, y: 0 });
  return (/** @type {MouseEvent} */ event) => {
    const { time, x, y } = first.current;
    const near = Math.hypot(event.clientX - x, event.clientY - y) < 3 * SLIP;
    const again = event.timeStamp - time < DOUBLE && near;
    first.current = { time: again ? -Infinity : event.timeStamp, x: event.clientX, y: event.clientY };
    if (again) then(event);
  };
}

/** In full; on a slow line no larger than a screen. @param {Attachment} picture */
function addressOf({ url }) {
  return isSlow() ? `${url}?side=1280` : url;
}

/** So that they are there at once when one steps on. @param {(Attachment | undefined)[]} pictures */
function preload(pictures) {
  for (const picture of pictures) {
    if (!picture || isSlow()) continue;
    const image = new Image();
    image.fetchPriority = "low"; // the one that is looked at comes first
    image.src = addressOf(picture);
  }
}
