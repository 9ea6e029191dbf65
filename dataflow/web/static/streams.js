// Streams: the answer of /streams in, one row a stream out.

import { fill, make, say } from "./rows.js";
import { lag, count, listed, perSecond, title } from "./words.js";

const LABELS = ["Received", "Sent on", "Dropped", "Dead-lettered", "Per second", "Behind"];
const RATE_OVER_MS = 5000;
const readings = new Map(); // of each stream what it had received, and when

function rateOf(stream, received, now, missing) {
  if (missing.length) readings.delete(stream); // what leaves or comes back with a partition is no traffic
  const past = (readings.get(stream) ?? []).filter((reading) => now - reading.at <= RATE_OVER_MS);
  readings.set(stream, [...past, { at: now, received }]);
  const [first] = past;
  if (!first || missing.length) return null;
  return Math.max(0, (1000 * (received - first.received)) / (now - first.at));
}

function create() {
  const row = make("tr", { role: "row" }, make("th", { role: "rowheader", scope: "row" }));
  row.append(...LABELS.map((label) => make("td", { role: "cell", class: "number", "data-label": label })));
  return row;
}

function update(element, row) {
  row.texts.forEach((text, place) => say(element.children[place], text));
}

/** Name what was dropped and dead-lettered, by rule and by reason. */
function showReasons(details) {
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
    document.querySelector("#reasons"),
    rows,
    (row) => make("div", {}, make("dt", {}, row.name), make("dd")),
    (element, row) => say(element.lastChild, count(row.events)),
  );
}

export function showStreams(answer) {
  const now = performance.now();
  const rows = Object.entries(answer.streams).map(([stream, balance]) => ({
    key: stream,
    texts: [
      stream,
      count(balance.received),
      count(balance.sent),
      count(balance.dropped),
      count(balance.dead_lettered),
      perSecond(rateOf(stream, balance.received, now, answer.partitions[stream].missing)),
      lag(answer.lag[stream]),
    ],
  }));
  fill(document.querySelector("#streams tbody"), rows, create, update);
  showReasons(answer.details);
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
