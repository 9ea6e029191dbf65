// Overview: what comes in and where it ends, how far behind it is, and what needs attention.

import { attentionOf } from "./attention.js";
import { figuresOf, partsOf } from "./figures.js";
import { RANGES, addressWith } from "./place.js";
import { fill, make, say } from "./rows.js";
import { changeOf, curveAddress, curveOf, sumOf } from "./series.js";
import { savesOf } from "./table.js";
import { StreamRates, showReasons, streamTable } from "./streams.js";
import { count, perSecond, percent, short } from "./words.js";

/** Tables that have few keys: their curves cost least. */
const SMALL = ["requests_per_status", "views_per_source_category", "events_per_type", "dead_letters_per_reason"];
const MOST_CURVES = 12;
const HOUR = RANGES["1h"];
const DAYS = RANGES["90d"];

export function open(root) {
  const view = viewOf(root);
  return { addresses: () => addressesOf(view), show: (answers) => show(view, answers) };
}

function viewOf(root) {
  const [figures, flow, table] = [figuresOf("Totals"), partsOf("Events"), streamTable()];
  const [attention, reasons, quiet] = [make("ul", { id: "attention" }), make("dl", { id: "reasons" }), make("details", { id: "quiet" })];
  const idle = streamTable("quiet-streams", "Streams that carry nothing");
  const [summary, saves] = [make("summary"), savesOf("Streams")];
  saves.show("streams");
  quiet.append(summary, idle.element);
  quiet.hidden = true;
  root.append(
    make("section", { class: "wide" }, make("h2", {}, "Now"), figures.element, flow.element),
    make("section", { class: "wide" }, make("h2", {}, "Needs attention"), attention),
    make("section", { class: "wide" }, make("h2", {}, "Streams"), table.element, quiet, reasons, make("p", { class: "foot" }, saves.element)),
  );
  return { figures, flow, table, attention, reasons, quiet, summary, idle, curves: {}, known: "", rates: new StreamRates() };
}

function addressesOf({ curves }) {
  const each = Object.entries(curves).map(([stream, { address }]) => [`curve ${stream}`, address]);
  return { tables: "tables", sinks: "sinks", requests: curveAddress("requests_per_status", { of: HOUR }), ...Object.fromEntries(each) };
}

/** Choose the curve of each stream that has events: minutes of the last hour, or days where there are no minutes. */
function choose(view, { streams }, { tables }) {
  const withEvents = Object.keys(streams).filter((stream) => streams[stream].received);
  const active = withEvents.sort((one, other) => streams[other].received - streams[one].received).slice(0, MOST_CURVES);
  active.sort();
  if (view.known === active.join()) return;
  view.known = active.join();
  view.curves = Object.fromEntries(
    active.flatMap((stream) => {
      const candidates = tables.filter(({ topics }) => topics.includes(stream));
      const timed = candidates.filter(({ windows }) => windows.includes("minute"));
      const table = timed.find(({ name }) => SMALL.includes(name)) ?? timed[0] ?? candidates[0];
      if (!table) return [];
      const of = timed.length ? HOUR : DAYS;
      return [[stream, { address: curveAddress(table.name, { topic: stream, of }), of }]];
    }),
  );
  dispatchEvent(new Event("place")); // now it is known what to follow
}

function show(view, answers) {
  const { streams, tables } = answers;
  if (!streams) return;
  if (tables) choose(view, streams, tables);
  const curves = Object.fromEntries(
    Object.entries(view.curves).map(([stream, { of }]) => [stream, { of, ...curveOf(answers[`curve ${stream}`], of) }]),
  );
  const rates = view.rates.of(streams);
  showTotals(view, streams, rates, answers.requests);
  const isQuiet = (stream) => !streams.streams[stream].received;
  view.table.show(streams, rates, curves, (stream) => !isQuiet(stream));
  view.idle.show(streams, rates, curves, isQuiet);
  const quiet = Object.keys(streams.streams).filter(isQuiet);
  view.quiet.hidden = !quiet.length;
  say(view.summary, `${count(quiet.length)} without events: ${quiet.join(", ")}`);
  showReasons(view.reasons, streams.details);
  const notes = attentionOf(answers, curves).map((note) => ({ key: note.text, ...note }));
  const rows = notes.length ? notes : [{ key: "nothing", text: "Nothing.", isGood: true }];
  fill(view.attention, rows, attentionRow, () => {});
}

function attentionRow({ text, page, isGood }) {
  return make("li", isGood ? { class: "good" } : {}, page ? make("a", { href: addressWith({ page }) }, text) : text);
}

function showTotals({ figures, flow }, answer, rates, requests) {
  const all = Object.entries(answer.streams).filter(([stream]) => stream !== "dead-letters");
  const total = (name) => all.reduce((sum, [, balance]) => sum + balance[name], 0);
  const known = all.map(([stream]) => rates[stream]).filter((rate) => rate !== null);
  const hour = curveOf(requests, HOUR);
  const [asked, failed] = [sumOf(hour.inRange, "count"), sumOf(hour.inRange, "errors")];
  const behind = Math.max(0, ...Object.values(answer.lag).map(({ seconds }) => seconds));
  figures.show([
    { title: "Received", value: count(total("received")), more: "since the beginning" },
    { title: "Per second", value: known.length ? perSecond(known.reduce((sum, rate) => sum + rate, 0)) : "–", more: "now, all streams" },
    { title: "Requests", value: short(asked), more: `newest hour ${changeOf(asked, sumOf(hour.before, "count"))}`, href: addressWith({ page: "traffic", last: null }) },
    { title: "Failed", value: asked ? percent(failed / asked) : "–", more: `newest hour, ${count(failed)} of ${short(asked)}`, href: addressWith({ page: "traffic", last: null }) },
    { title: "Behind", value: behind ? `${count(Math.ceil(behind))} s` : "0 s", more: `${count(Object.values(answer.lag).reduce((sum, { records }) => sum + records, 0))} events to read` },
  ]);
  flow.show(`${count(total("received"))} in`, [
    { name: "sent on", value: total("sent"), text: count(total("sent")), kind: "sent" },
    { name: "dropped", value: total("dropped"), text: count(total("dropped")), kind: "dropped" },
    { name: "dead letters", value: total("dead_lettered"), text: count(total("dead_lettered")), kind: "dead" },
  ]);
}
