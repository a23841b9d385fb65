/**
 * How the page writes its markup: preact with htm's tagged templates, so that what is served is what was written. What
 * stands in a `${}` becomes text or a property and is never read as markup.
 */

import htm from "htm";
import { Component, h } from "preact";

export { render } from "preact";
export { useCallback, useEffect, useErrorBoundary, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";

export const html = htm.bind(h);

/**
 * The same component, drawn again only where one of its properties is another one than before.
 * @template P
 * @param {(props: P) => any} draw
 */
export function memo(draw) {
  return class extends Component {
    /** @param {any} next */
    shouldComponentUpdate(next) {
      const now = /** @type {any} */ (this.props);
      return Object.keys({ ...now, ...next }).some((name) => !Object.is(now[name], next[name]));
    }

    /** @param {any} props */
    render(props) {
      return draw(props);
    }
  };
}

/** The names that hold, for a class attribute. @param {string} always @param {Record<string, unknown>} sometimes */
export function classes(always, sometimes = {}) {
  return [always, ...Object.keys(sometimes).filter((name) => sometimes[name])].join(" ");
}
