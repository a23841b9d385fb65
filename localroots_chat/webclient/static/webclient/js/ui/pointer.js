/** What one points with. */

/** A mouse or a trackpad, and not a finger: only then may focus go where one writes, since it raises no keyboard. */
export function hasFinePointer() {
  return matchMedia("(hover: hover) and (pointer: fine)").matches;
}
