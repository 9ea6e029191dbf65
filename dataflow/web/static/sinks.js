// Sinks: how far each is behind, how fast it stores, and what its trouble is.

import { make } from "./rows.js";
import { tableOf } from "./table.js";
import { count, duration, instant, plural } from "./words.js";

const agoOf = (seconds) => (seconds === null ? "unknown" : duration(seconds * 1000));

const COLUMNS = [
  { name: "name", title: "Sink", value: ({ name }) => name },
  { name: "state", title: "State", value: stateOf, kind: "long" },
  { name: "topics", title: "Topics", value: ({ topics }) => topics.join(", "), kind: "long" },
  { name: "workers", title: "Workers", value: ({ workers }) => workers },
  { name: "lag", title: "Not yet read", value: ({ lag }) => lag.records },
  { name: "seconds", title: "Oldest of them", value: ({ lag }) => (lag.records ? lag.seconds : 0), text: agoOf },
  { name: "buffered", title: "Buffered", value: ({ buffered }) => buffered.records },
  { name: "rate", title: "Records/s", value: (row) => row.records_per_second, text: count },
  { name: "error", title: "Last error", value: errorOf, kind: "long" },
];

function errorOf({ last_error: error, last_error_at: at }) {
  return error ? `${error} (${instant(at)} UTC)` : "none";
}

function stateOf({ workers, retrying_since: since, lag, leaderless_partitions: away }) {
  if (!workers) return "⚠ nobody runs it";
  if (since) return `⚠ retrying since ${instant(since)} UTC`;
  if (away) return `⚠ not counted: ${plural(away, "partition")} without a leader`;
  return lag.records ? "storing" : "up to date";
}

export function open(root) {
  const table = tableOf({ name: "sinks", caption: "All sinks that are configured, or that have ever run", columns: COLUMNS, order: "name" });
  const none = make("p", { class: "note" }, "No sink is configured, and none has ever run. docs/sinks.md says which there are, and how to set one up.");
  none.hidden = true;
  root.append(make("section", { class: "wide" }, make("h2", {}, "Sinks"), none, table.element));
  return {
    addresses: () => ({ sinks: "sinks" }),
    show({ sinks }) {
      if (!sinks) return;
      none.hidden = sinks.sinks.length > 0;
      table.element.hidden = !none.hidden;
      table.show(sinks.sinks.map((sink) => ({ ...sink, key: sink.name })), { json: "sinks" });
    },
  };
}
