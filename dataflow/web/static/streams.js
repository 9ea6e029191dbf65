// Streams: the answer of /streams in, one row a stream out, and what is amiss with them in words.

import { fill, make, say } from "./rows.js";
import { lag, count, listed, perSecond, title } from "./words.js";

const TITLES = ["Stream", "Received", "Sent on", "Dropped", "Dead-lettered", "Per second", "Behind"];
const RATE_OVER_MS = 5000;

/** How many events a second come in, since the page was opened. */
export class StreamRates {
  #readings = new Map(); // of each stream what it had received, and when

  /** Return the rate of each stream; null where it is not known. */
  of({ streams, partitions }) {
    const now = performance.now();
    return Object.fromEntries(
      Object.entries(streams).map(([stream, { received }]) => [
        stream,
        this.#rateOf(stream, received, now, partitions[stream].missing),
      ]),
    );
  }

  #rateOf(stream, received, now, missing) {
    if (missing.length) this.#readings.delete(stream); // what leaves or comes back with a partition is no traffic
    const past = (this.#readings.get(stream) ?? []).filter((reading) => now - reading.at <= RATE_OVER_MS);
    this.#readings.set(stream, [...past, { at: now, received }]);
    const [first] = past;
    if (!first || missing.length) return null;
    return Math.max(0, (1000 * (received - first.received)) / (now - first.at));
  }
}

/** Make the table of all streams. On a telephone a row becomes a block: its roles keep it a table for readers. */
export function streamTable() {
  const heads = TITLES.map((text, at) =>
    make("th", { role: "columnheader", scope: "col", class: at ? "number" : "key" }, text),
  );
  const body = make("tbody", { role: "rowgroup" });
  const element = make(
    "table",
    { id: "streams", role: "table" },
    make("caption", {}, "Events since the beginning, over all workers"),
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...heads)),
    body,
  );
  return { element, show: (answer, rates) => fill(body, rowsOf(answer, rates), create, update) };
}

const rowsOf = (answer, rates) =>
  Object.entries(answer.streams).map(([stream, balance]) => ({
    key: stream,
    texts: [
      stream,
      count(balance.received),
      count(balance.sent),
      count(balance.dropped),
      count(balance.dead_lettered),
      perSecond(rates[stream]),
      lag(answer.lag[stream]),
    ],
  }));

function create() {
  const row = make("tr", { role: "row" }, make("th", { role: "rowheader", scope: "row" }));
  row.append(...TITLES.slice(1).map((label) => make("td", { role: "cell", class: "number", "data-label": label })));
  return row;
}

function update(element, row) {
  row.texts.forEach((text, place) => say(element.children[place], text));
}

/** Name what was dropped and dead-lettered, by rule and by reason. */
export function showReasons(element, details) {
  const rows = Object.entries(details).flatMap(([stream, places]) =>
    Object.entries(places).flatMap(([place, reasons]) =>
      Object.entries(reasons).map(([reason, events]) => ({
        key: `${stream} ${place} ${reason}`,
        name: `${stream}, ${title(place).replace("dead lettered", "dead-lettered")}: ${reason}`,
        events,
      })),
    ),
  );
  fill(
    element,
    rows,
    (row) => make("div", {}, make("dt", {}, row.name), make("dd")),
    (row, { events }) => say(row.lastChild, count(events)),
  );
}

/** Say which streams are not read for now, and what they wait for. */
export function pausedOf(answer) {
  return Object.entries(answer.states)
    .filter(([, { pause }]) => pause)
    .map(([stream, { pause }]) => `${stream} pauses: ${pause.detail}. It waits for ${pause.awaited}.`);
}

/** Say which documents the workers use in different versions; for a moment after a change they do. */
export function differencesOf(versions) {
  return Object.entries(versions)
    .filter(([, inUse]) => new Set(Object.values(inUse)).size > 1)
    .map(([name, inUse]) => {
      const each = Object.entries(inUse).map(([worker, version]) => `${version} at ${worker}`);
      return `Workers use different versions of the ${name.replace("_", " ")}: ${each.join(", ")}.`;
    });
}

/** Say which partitions are not in the numbers. */
export function missingOf(answer) {
  return Object.entries(answer.partitions)
    .filter(([, { missing }]) => missing.length)
    .map(([stream, { missing }]) => {
      const [noun, verb, them] = missing.length === 1 ? ["Partition", "does", "it"] : ["Partitions", "do", "them"];
      return `${noun} ${listed(missing)} of ${stream} ${verb} not answer; the numbers leave ${them} out.`;
    });
}
