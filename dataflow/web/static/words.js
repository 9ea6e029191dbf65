// Words: values of an answer in, what people read out.

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const three = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** A number in full: 1,138. */
export const count = (value) => number.format(value);

/** A number as short as a label allows: 1.2 k, 3.4 M. A unit stays in the line of its number. */
export function short(value) {
  const size = Number(Math.abs(value).toPrecision(3)); // 999,999 is 1 M
  const [unit, factor] = [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3]].find(([, least]) => size >= least) ?? ["", 1];
  return `${three.format(value / factor)}${unit && `\u00a0${unit}`}`;
}

/** 1.5 GiB. */
export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  const place = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(value, 1)) / 10)));
  return `${three.format(value / 1024 ** place)}\u00a0${units[place]}`;
}

/** A share of 1: 38 %, 0.4 %. */
export const percent = (share) => `${(share < 0.1 ? number : three).format(100 * share)}\u00a0%`;

export const perSecond = (value) => (value === null ? "–" : `${short(value)}/s`);

/** A time in ms: 12 ms, 1.2 s. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return `${three.format(ms)}\u00a0ms`;
  return ms < 120_000 ? `${three.format(ms / 1000)}\u00a0s` : `${three.format(ms / 60_000)}\u00a0min`;
}

/** Say which partitions are left out. */
export const leaderless = (partitions) =>
  `Those of partitions ${partitions.join(", ")} cannot be read now: no broker that runs has them in sync.`;

/** Say what a summary has: a number, nothing, or the top values, one a line. */
export function summary(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return count(value);
  if (Array.isArray(value)) return value.map((top) => `${top.value} (${count(top.count)})`).join("\n");
  return String(value);
}

export function lag({ records, seconds }) {
  if (!records) return "up to date";
  return `${count(records)} ${records === 1 ? "event" : "events"}${seconds ? `, ${count(Math.ceil(seconds))} s` : ""}`;
}

/** Name a window by its start, as short as its size allows; UTC. */
export function period(start, size) {
  const [day, time] = start.replace("Z", "").split("T");
  return size === "day" ? day : `${day} ${time.slice(0, 5)}`;
}

/** An instant of an answer to the second: 2026-01-31 12:00:00. */
export const instant = (at) => (at ? at.slice(0, 19).replace("T", " ").replace("Z", "") : "–");

export const title = (name) => name.replaceAll("_", " ");

/** List values as people do. */
export const listed = (values) => new Intl.ListFormat("en").format(values.map(String));

/** "3 events", "1 event". */
export const plural = (value, noun) => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
