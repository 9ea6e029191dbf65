// Words: values of an answer in, what people read out.

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const rate = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (value) => number.format(value);

export const perSecond = (value) => (value === null ? "–" : rate.format(value));

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

export const title = (name) => name.replaceAll("_", " ");

/** List numbers as people do. */
export const listed = (values) => new Intl.ListFormat("en").format(values.map(String));
