/**
 * The rule by which what is held stays true. Every conversation has a version; an event covers prev+1 … version. Held h:
 * apply if prev ≤ h < version, drop if version ≤ h, and if prev > h something was missed: catch up.
 */

/** @typedef {"applied" | "dropped" | "gap"} Verdict */

/** @param {number} held @param {number} prev @param {number} version @returns {Verdict} */
export function judge(held, prev, version) {
  if (version <= held) return "dropped";
  return prev <= held ? "applied" : "gap";
}
