// Workers: what each does, its checkpoints and its recovery, and who has which partitions.

import { fill, make } from "./rows.js";
import { tableOf } from "./table.js";
import { bytes, duration, listed } from "./words.js";

const sum = (values) => values.reduce((total, value) => total + value, 0);
const shortOf = (url) => url.replace(/^https?:\/\//, "");

const WORKERS = [
  { name: "worker", title: "Worker", value: ({ url }) => shortOf(url) },
  { name: "state", title: "State", value: stateOf, isNumber: false },
  { name: "role", title: "Role", value: ({ role }) => role, isNumber: false },
  { name: "release", title: "Release", value: ({ release }) => release, isNumber: false },
  { name: "partitions", title: "Partitions", value: ({ partitions }) => partitions.length },
  { name: "lag", title: "Behind, records", value: ({ partitions }) => sum(partitions.map((each) => each.lag_records)) },
  { name: "checkpoint", title: "Last checkpoint", value: ({ checkpoints }) => checkpoints.last_at, text: timeOf },
  { name: "took", title: "It took", value: ({ checkpoints }) => checkpoints.last_ms, text: duration },
  { name: "interval", title: "At most every", value: ({ checkpoints }) => checkpoints.interval_ms, text: duration },
  { name: "again", title: "Read again", value: (row) => row.read_again },
  { name: "memory", title: "State in memory", value: (row) => row.state_memory_bytes, text: bytes },
];

const PARTITIONS = [
  { name: "partition", title: "Partition", value: ({ topic, partition }) => `${topic}/${partition}` },
  { name: "owner", title: "Worker", value: ({ owner }) => owner, isNumber: false },
  { name: "position", title: "Read up to", value: ({ position }) => position },
  { name: "lag", title: "Behind, records", value: (row) => row.lag_records },
  { name: "flight", title: "In flight", value: (row) => row.in_flight_bytes, text: (size) => (size === null ? "–" : bytes(size)) },
  { name: "pause", title: "State", value: (row) => row.pause, isNumber: false },
];

function timeOf(at) {
  return at ? `${at.slice(11, 19)} UTC` : "–";
}

function stateOf({ not_ready: why, engine }) {
  if (why) return `⚠ ${why}`;
  return engine ? `${engine.state}, for ${duration(engine.seconds * 1000)}` : "ready";
}

export function open(root) {
  const notices = make("ul", { class: "notices" });
  const workers = tableOf({ name: "workers", caption: "All members of the groups, and the worker that serves this page", columns: WORKERS, order: "worker" });
  const partitions = tableOf({ name: "partitions", caption: "Who has which partitions", columns: PARTITIONS, order: "partition", most: 25 });
  root.append(
    make("section", { class: "wide" }, make("h2", {}, "Workers"), make("div", { role: "status" }, notices), workers.element),
    make("section", { class: "wide" }, make("h2", {}, "Partitions"), partitions.element),
  );
  return {
    addresses: () => ({ workers: "workers" }),
    show({ workers: answer }) {
      if (!answer) return;
      fill(notices, noticesOf(answer), (row) => make("li", {}, row.key), () => {});
      workers.show(answer.workers.map((worker) => ({ ...worker, key: worker.url })), { json: "workers" });
      partitions.show(rowsOf(answer), { json: "workers" });
    },
  };
}

function noticesOf({ silent, unowned }) {
  const absent = silent.map(({ url, reason }) => `Worker ${shortOf(url)} ${reason}.`);
  const nobody = Object.entries(unowned).map(([topic, numbers]) => `Nobody says that it has ${numbers.length === 1 ? "partition" : "partitions"} ${listed(numbers)} of ${topic}.`);
  return [...absent, ...nobody].map((text) => ({ key: text }));
}

/** List owned partitions, and those that nobody has. */
function rowsOf({ workers, unowned }) {
  const owned = workers.flatMap((worker) =>
    worker.partitions.map((each) => ({ ...each, owner: shortOf(worker.url), pause: each.pause ? `⚠ pauses: ${each.pause}` : "read" })),
  );
  const free = Object.entries(unowned).flatMap(([topic, numbers]) =>
    numbers.map((partition) => ({ topic, partition, owner: "⚠ nobody", position: null, lag_records: null, in_flight_bytes: null, pause: "not read" })),
  );
  return [...owned, ...free].map((row) => ({ ...row, key: `${row.topic}/${row.partition}` }));
}
