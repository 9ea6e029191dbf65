// Streams: the answer of /streams in, one row a stream out, and what is amiss with them in words.

import { fill, make, say } from "./rows.js";
import { newestOf, valuesOf } from "./series.js";
import { sparkOf } from "./spark.js";
import { lag, count, listed, perSecond, title } from "./words.js";

const TITLES = ["Stream", "Received", "Sent on", "Dropped", "Dead-lettered", "Per second", "Behind", "Newest event"];
const RATE_OVER_MS = 5000;
const LEAST_MS = 1500; // within a moment of one another two answers may be of the same count
const STILL_MS = 10_000; // a busy worker asks each question this often at least; an answer that stays the same is not sent

/** How many events a second come in, since the page was opened. */
export class StreamRates {
  #answer = null;
  #readings = new Map(); // of each stream what it had received, and when: one of each answer

  /** Return the rate of each stream, null where it is not known: an answer that is shown again is no new reading. */
  of(answer) {
    const now = performance.now();
    const isNew = answer !== this.#answer;
    this.#answer = answer;
    return Object.fromEntries(
      Object.entries(answer.streams).map(([stream, { received }]) => {
        const isWhole = !answer.partitions[stream].missing.length; // else what leaves or comes back is no traffic
        if (isNew) this.#read(stream, received, now, isWhole);
        return [stream, isWhole ? this.#rateOf(stream, now) : null];
      }),
    );
  }

  #read(stream, received, at, isWhole) {
    const known = this.#readings.get(stream) ?? [];
    const past = known.map((reading) => ({ ...reading, at: Math.max(reading.at, at - STILL_MS) })); // nothing came till then
    const oldest = past.findLastIndex((reading) => at - reading.at >= RATE_OVER_MS);
    this.#readings.set(stream, isWhole ? [...past.slice(Math.max(0, oldest)), { at, received }] : []);
  }

  #rateOf(stream, now) {
    const readings = this.#readings.get(stream) ?? [];
    const [first, last] = [readings[0], readings.at(-1)];
    if (last && now - last.at > STILL_MS) return 0;
    if (readings.length < 2 || last.at - first.at < LEAST_MS) return null;
    return Math.max(0, (1000 * (last.received - first.received)) / (last.at - first.at));
  }
}

/** Make the table of all streams. On a telephone a row becomes a block: its roles keep it a table for readers. */
export function streamTable(id = "streams", caption = "Events since the beginning, over all workers") {
  const heads = TITLES.map((text, at) =>
    make("th", { role: "columnheader", scope: "col", class: at ? "number" : "key" }, text),
  );
  const body = make("tbody", { role: "rowgroup" });
  const element = make(
    "table",
    { id, class: "streams", role: "table" },
    make("caption", {}, caption),
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...heads)),
    body,
  );
  return {
    element,
    /** Show the streams that are wanted, with their rates and curves. */
    show: (answer, rates, curves, isWanted) => fill(body, rowsOf(answer, rates, curves, isWanted), create, update),
  };
}

const rowsOf = (answer, rates, curves, isWanted) =>
  Object.entries(answer.streams).filter(([stream]) => isWanted(stream)).map(([stream, balance]) => ({
    key: stream,
    curve: curves[stream],
    texts: [
      stream,
      count(balance.received),
      count(balance.sent),
      count(balance.dropped),
      count(balance.dead_lettered),
      perSecond(rates[stream]),
      lag(answer.lag[stream]),
      curves[stream] ? newestOf(curves[stream]) : "–",
    ],
  }));

function create() {
  const head = make("th", { role: "rowheader", scope: "row" }, make("span"));
  const row = make("tr", { role: "row" }, head);
  row.append(...TITLES.slice(1).map((label) => make("td", { role: "cell", class: "number", "data-label": label })));
  const spark = sparkOf();
  head.append(spark.element);
  sparks.set(row, spark);
  return row;
}

const sparks = new WeakMap();

function update(element, { texts, curve }) {
  say(element.cells[0].firstChild, texts[0]);
  texts.slice(1).forEach((text, place) => say(element.cells[place + 1], text));
  const values = curve ? valuesOf(curve, "count") : [];
  const { element: drawn, show } = sparks.get(element);
  drawn.toggleAttribute("hidden", values.length < 2);
  if (values.length < 2) return;
  const span = `${count(values.length)} ${curve.window}s up to ${newestOf(curve)}`;
  show(values, `Events per ${curve.window}, ${span}: newest ${count(values.at(-1))}, at most ${count(Math.max(...values))}`);
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
