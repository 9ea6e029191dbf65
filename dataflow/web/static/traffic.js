// Traffic: requests of CDN and web servers over time, and what they ask for, answer and come from.

import { chartOf } from "./chart.js";
import { figuresOf } from "./figures.js";
import { hitShare, kindsOf } from "./kinds.js";
import { addressWith, filters, parameter } from "./place.js";
import { make, say } from "./rows.js";
import { changeOf, countsAt, curveAddress, curveOf, newestOf, quantilesOf, rankingAddress, rankingOf, sumOf, valuesOf } from "./series.js";
import { tableOf } from "./table.js";
import { bytes, count, duration, percent, short } from "./words.js";

/** The tables of the page: what they are counted by, and what they can be ordered by. */
const BREAKDOWNS = [
  { field: "endpoint", table: "requests_per_endpoint", title: "Endpoints", hasTimes: true },
  { field: "status", table: "requests_per_status", title: "Statuses" },
  { field: "country", table: "requests_per_country", title: "Countries" },
  { field: "client", table: "top_clients", title: "Clients" },
];
const ORDERS = ["count", "bytes", "errors"];
const QUANTILES = ["p50", "p90", "p99"];
const MOST_STATUSES = 6;

const countries = new Intl.DisplayNames("en", { type: "region" });

function countryName(code) {
  try {
    return /^[A-Z]{2}$/.test(code) ? `${countries.of(code)} (${code})` : code;
  } catch {
    return code;
  }
}

export function open(root) {
  const view = viewOf(root);
  return { addresses: () => addressesOf(view), show: (answers, errors) => show(view, answers, errors) };
}

function viewOf(root) {
  const [figures, note] = [figuresOf("Requests in the range"), make("p", { class: "note" })];
  const charts = {
    requests: chartOf({ title: "Requests", series: ["requests", "failed"], text: short }),
    statuses: chartOf({ title: "By status", series: [], text: short, isStacked: true }),
    times: chartOf({ title: "Response time", series: QUANTILES, text: duration }),
    bytes: chartOf({ title: "Bytes sent", series: ["bytes"], text: bytes }),
  };
  const [kinds, lack] = [kindsOf(), make("p", { class: "note" })];
  const tables = BREAKDOWNS.map((each) => ({ ...each, view: breakdown(each), lack: make("p", { class: "note" }) }));
  const card = ({ title, hasTimes }, ...parts) =>
    make("section", hasTimes ? { class: "wide" } : {}, make("h2", {}, title), ...parts);
  root.append(
    make("section", { class: "wide" }, make("h2", {}, "Traffic"), figures.element, note),
    make("section", { class: "wide" }, make("h2", {}, "Cache, bots and methods"), kinds.element, lack),
    ...Object.values(charts).map(({ element }) => make("section", {}, element)),
    ...tables.map((each) => card(each, each.view.element, each.lack)),
  );
  return { figures, note, charts, tables, kinds, lack, statuses: [] };
}

function breakdown({ field, title, hasTimes }) {
  const share = (value, row) => (row.of ? percent(value / row.of) : "–");
  const columns = [
    { name: "key", title: field, value: (row) => row.key, text: field === "country" ? countryName : undefined },
    { name: "count", title: "requests", value: (row) => row.count },
    { name: "share", title: "share", value: (row) => row.count, text: share },
    { name: "errors", title: "failed", value: (row) => row.errors },
    { name: "bytes", title: "bytes", value: (row) => row.bytes, text: bytes },
    ...(hasTimes ? ["p50", "p99"].map((part) => ({ name: part, title: part, value: (row) => row.response_time_ms?.[part] ?? null, text: duration })) : []),
  ];
  const hrefOf = ({ key }) => addressWith({ [field]: key });
  return tableOf({ name: field, caption: title, columns, order: "-count", hrefOf });
}

/** Return the filter that is heeded, [its table, its key], or none. */
function filtered() {
  const set = filters();
  const found = BREAKDOWNS.find(({ field }) => field in set);
  return found ? { ...found, key: set[found.field] } : null;
}

const streamTopic = () => filters().stream ?? null;

function addressesOf(view) {
  const topic = streamTopic();
  const filter = filtered();
  const total = filter ? curveAddress(filter.table, { key: filter.key, topic }) : curveAddress("requests_per_status", { topic });
  const times = filter ? null : curveAddress("requests_per_endpoint", { topic });
  const rankings = BREAKDOWNS.map(({ field, table }) => [field, rankingAddress(table, { order: orderOf(field), topic })]);
  const statuses = filter ? [] : view.statuses.map((status) => [`status ${status}`, curveAddress("requests_per_status", { key: status, topic })]);
  const kinds = rankingAddress("requests_per_kind", { topic });
  return { total, kinds, ...(times ? { times } : {}), ...Object.fromEntries([...rankings, ...statuses]) };
}

/** Return what a worker is asked to order by: it knows all entries, the page only the first. */
function orderOf(field) {
  const asked = (parameter(`${field}.order`) ?? "-count").replace(/^-/, "");
  return ORDERS.includes(asked) ? asked : "count";
}

function show(view, answers, errors) {
  chooseStatuses(view, answers);
  const filter = filtered();
  const curve = curveOf(answers.total);
  const { rows: kinds } = rankingOf(answers.kinds);
  if (answers.total) showFigures(view, curve, filter, answers.total, kinds);
  view.kinds.show(kinds);
  say(view.lack, filter ? ofAll(filter) : answers.kinds?.since ? `Counted since ${answers.kinds.since}.` : "");
  showCharts(view, curve, answers, filter, errors);
  for (const each of view.tables) showBreakdown(each, answers[each.field], sumOf(curve.inRange, "count"), filter);
}

const ofAll = ({ field }) => `Of all requests: this table does not know the ${field} of each.`;

/** Follow the curves of the statuses that come most. */
function chooseStatuses(view, answers) {
  const { rows } = rankingOf(answers.status);
  const first = rows.slice(0, MOST_STATUSES).map(({ key }) => key).sort();
  if (!first.length || first.join() === view.statuses.join()) return;
  view.statuses = first;
  dispatchEvent(new Event("place"));
}

function showFigures({ figures, note }, curve, filter, { apart }, kinds) {
  const [now, before] = [curve.inRange, curve.before];
  const [asked, failed, sent] = ["count", "errors", "bytes"].map((name) => sumOf(now, name));
  const change = (name) => changeOf(sumOf(now, name), sumOf(before, name));
  figures.show([
    { title: "Requests", value: short(asked), more: change("count") },
    { title: "Failed (5xx)", value: asked ? percent(failed / asked) : "–", more: `${count(failed)} ${change("errors")}` },
    { title: "Bytes sent", value: bytes(sent), more: change("bytes") },
    ...(filter || hitShare(kinds) === null ? [] : [{ title: "Cache hits", value: percent(hitShare(kinds)), more: "where a cache was asked" }]),
    { title: "Newest", value: newestOf(curve), more: `counted per ${curve.window}` },
  ]);
  const set = Object.keys(filters()).filter((field) => field !== "stream" && field !== filter?.field);
  const unheeded = set.length && filter ? ` Tables count by one field at a time: of several filters, only ${filter.field} is heeded.` : "";
  const late = apart?.late ? ` ${count(apart.late)} came too late for their window and are not in it.` : "";
  const compared = before.length ? "Compared with the same time before." : "";
  say(note, `${compared}${late}${unheeded}`.trim());
}

function showCharts({ charts, statuses }, curve, answers, filter, errors) {
  const lack = curve.newest === null ? "Nothing counted in this range." : "";
  charts.requests.show({ times: curve.times, values: [valuesOf(curve, "count"), valuesOf(curve, "errors")], note: lack });
  charts.bytes.show({ times: curve.times, values: [valuesOf(curve, "bytes")] });
  const withTimes = filter?.hasTimes ? curve : curveOf(answers.times);
  charts.times.element.parentElement.hidden = Boolean(filter) && !filter.hasTimes;
  charts.times.show({
    times: withTimes.times,
    values: QUANTILES.map((part) => quantilesOf(withTimes, "response_time_ms", part)),
    note: errors.times ? `No answer: ${errors.times}.` : "", // more endpoints than can be put together
  });
  charts.statuses.element.parentElement.hidden = Boolean(filter);
  showStatuses(charts.statuses, statuses, curve, answers);
}

function showStatuses(chart, statuses, curve, answers) {
  const values = statuses.map((status) => countsAt(curve, answers[`status ${status}`]));
  const isWhole = statuses.every((status) => answers[`status ${status}`]);
  if (statuses.length && isWhole) chart.show({ times: curve.times, values, series: statuses });
}

function showBreakdown({ field, view, lack, table }, answer, whole, filter) {
  const { rows, total } = rankingOf(answer);
  const isHere = filter?.field === field;
  const shown = rows.map((row) => ({ ...row, of: filter ? null : whole })).filter(({ key }) => !isHere || key === filter.key);
  view.show(shown, { total: isHere ? shown.length : total, json: answer && rankingAddress(table, { order: orderOf(field), topic: streamTopic() }) });
  const isElse = filter && !isHere;
  say(lack, isElse ? ofAll(filter) : "");
}
