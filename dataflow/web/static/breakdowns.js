// Breakdowns: requests by one field each, with the filters of the page where a table knows them together.

import { addressWith, filters, parameter } from "./place.js";
import { OTHER, rankingQuestion, wholeQuestion } from "./questions.js";
import { make, say } from "./rows.js";
import { rankingAddress, rankingOf, sumOf } from "./series.js";
import { tableOf } from "./table.js";
import { bytes, duration, listed, percent } from "./words.js";

const BREAKDOWNS = [
  { field: "endpoint", title: "Endpoints", hasTimes: true },
  { field: "status", title: "Statuses" },
  { field: "country", title: "Countries", text: countryName },
  { field: "client", title: "Clients" },
  { field: "referer", title: "Referers", isCount: true },
  { field: "host", title: "Hosts" },
];
const ORDERS = ["count", "bytes", "errors"];

const countries = new Intl.DisplayNames("en", { type: "region" });

function countryName(code) {
  try {
    return /^[A-Z]{2}$/.test(code) ? `${countries.of(code)} (${code})` : code;
  } catch {
    return code;
  }
}

/** Make the sections; show() takes the answers, the refusals, and how many requests the page is of. */
export function breakdownsOf() {
  const tables = BREAKDOWNS.map((each) => ({ ...each, view: viewOf(each), lack: make("p", { class: "note" }) }));
  return {
    elements: tables.map(({ title, hasTimes, view, lack }) =>
      make("section", hasTimes ? { class: "wide" } : {}, make("h2", {}, title), view.element, lack),
    ),
    addresses: () => Object.fromEntries(tables.map((each) => [each.field, addressOf(each)])),
    show: (answers, errors, whole) => tables.forEach((each) => show(each, answers[each.field], errors[each.field], whole)),
  };
}

function viewOf({ field, title, text, hasTimes, isCount }) {
  const share = (value, row) => (row.of ? percent(value / row.of) : "–");
  const more = [
    { name: "errors", title: "failed", value: (row) => row.errors },
    { name: "bytes", title: "bytes", value: (row) => row.bytes, text: bytes },
  ];
  const columns = [
    { name: "key", title: field, value: (row) => row.key, text },
    { name: "count", title: "requests", value: (row) => row.count },
    { name: "share", title: "share", value: (row) => row.count, text: share },
    ...(isCount ? [] : more),
    ...(hasTimes ? ["p50", "p99"].map((part) => ({ name: part, title: part, value: (row) => row.response_time_ms?.[part] ?? null, text: duration })) : []),
  ];
  return tableOf({ name: field, caption: title, columns, order: "-count", hrefOf: ({ key }) => hrefOf(field, key) });
}

function hrefOf(field, key) {
  if (key === OTHER) return null; // it is many
  const table = wholeQuestion(field).table;
  return field === "referer" ? addressWith({ page: "tables", table, key, window: "minute" }) : addressWith({ [field]: key });
}

/** Return what a worker is asked to order by: it knows all entries, the page only the first. */
function orderOf({ field, isCount }) {
  const asked = (parameter(`${field}.order`) ?? "-count").replace(/^-/, "");
  return ORDERS.includes(asked) && !isCount ? asked : "count";
}

function addressOf(each) {
  const { table, ...chosen } = rankingQuestion(filters(), each.field) ?? wholeQuestion(each.field);
  return rankingAddress(table, { order: orderOf(each), topic: filters().stream ?? null, ...chosen });
}

/** Return what rows are shares of: another answer may be older by seconds, and shares of it would be more than all. */
function wholeOf(rows, total, whole) {
  const sum = sumOf(rows, "count");
  return rows.length < total ? Math.max(sum, whole) : sum;
}

function show(each, answer, refusal, whole) {
  const { field, view, lack } = each;
  const set = filters();
  const isKnown = rankingQuestion(set, field) !== null || !Object.keys(set).some((name) => name !== "stream");
  const { rows, total } = rankingOf(answer);
  const isChosen = isKnown && field in set;
  const asked = isChosen ? rows.filter(({ key }) => key === set[field]) : rows;
  const of = isKnown ? wholeOf(asked, isChosen ? asked.length : total, whole) : null;
  const shown = asked.map((row) => ({ ...row, of }));
  view.show(shown, { total: isChosen ? shown.length : total, json: answer && addressOf(each), isComing: !answer, refusal });
  const others = Object.keys(set).filter((name) => name !== "stream" && name !== field);
  const since = answer?.since ? `Counted since ${answer.since.slice(0, 16).replace("T", " ")} UTC.` : "";
  say(lack, isKnown ? since : `Of all requests: no table counts by ${field} and ${listed(others)} together.`);
}
