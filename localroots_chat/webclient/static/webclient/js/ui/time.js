/** Times as people say them: the hour, a weekday, a date, in the reader's own habits of writing them. No DOM. */

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekdayFormat = new Intl.DateTimeFormat("en", { weekday: "short" });
const shortDate = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayInYear = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });
const dayWithYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });

const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

/** @param {string} iso */
export function fullTime(iso) {
  return full.format(new Date(iso));
}

/** @param {string} iso */
export function clock(iso) {
  return clockFormat.format(new Date(iso));
}

/** For a line of the list: as short as it can be. @param {string} iso */
export function brief(iso) {
  const days = daysAgo(iso);
  if (days < 1) return clock(iso);
  if (days === 1) return "Yesterday";
  return (days < 7 ? weekdayFormat : shortDate).format(new Date(iso));
}

/** For the separator above a day's messages. @param {string} iso */
export function day(iso) {
  const days = daysAgo(iso);
  if (days < 1) return "Today";
  if (days === 1) return "Yesterday";
  const date = new Date(iso);
  return (date.getFullYear() === new Date().getFullYear() ? dayInYear : dayWithYear).format(date);
}

/** When somebody was last here, of which the hour is told. @param {string} iso */
export function seenAgo(iso) {
  const hours = (Date.now() - Date.parse(iso)) / 3_600_000;
  if (hours < 2) return "within the last hours";
  return daysAgo(iso) < 1 ? `today at ${clock(iso)}` : brief(iso).replace("Yesterday", "yesterday");
}

/** The calendar day here, as something to compare. @param {string} iso */
export function dayKey(iso) {
  return new Date(iso).toDateString();
}

/** @param {string} iso */
function daysAgo(iso) {
  const midnight = (/** @type {Date} */ date) =>
    Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return (midnight(new Date()) - midnight(new Date(iso))) / 86_400_000;
}
