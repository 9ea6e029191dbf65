// Tables: any table, also of one's own, by window, period and order; one key over time.

import { chartOf } from "./chart.js";
import { addressWith, go, parameter } from "./place.js";
import { make, offer, say } from "./rows.js";
import { tableOf } from "./table.js";
import { visible } from "./texts.js";
import { bytes, count, period, plural, summary, title } from "./words.js";

const NEWEST = "newest";
const TOGETHER = "together";
const MOST_ENTRIES = 1000; // of one answer
const NAMES = ["table", "window", "period", "key"];

export function open(root) {
  const view = viewOf(root);
  view.pick.addEventListener("submit", (event) => event.preventDefault());
  view.pick.addEventListener("change", ({ target }) => go(changesOf(target)));
  return { addresses: () => addressesOf(view), show: (answers, errors) => show(view, answers, errors) };
}

function viewOf(root) {
  const selects = NAMES.slice(0, 3).map((name) => make("label", {}, title(name), make("select", { name })));
  const pick = make("form", { id: "pick" }, ...selects);
  const [counts, chart] = [make("div", { id: "counts" }), make("div", { id: "curve" })];
  const [caption, apart, back] = [make("h3", { id: "caption" }), make("p", { id: "apart", class: "note" }), make("a")];
  root.append(make("section", {}, make("h2", {}, "Tables"), pick, caption, back, chart, counts, apart));
  return { pick, counts, chart, caption, apart, back, tables: [], starts: [], table: null, columns: "", answered: null };
}

/** A table of its own windows, a window of its own periods: what no longer fits is left out of the address. */
function changesOf({ name, value }) {
  const after = NAMES.slice(NAMES.indexOf(name) + 1);
  return { ...Object.fromEntries(after.map((each) => [each, null])), [name]: value };
}

const pathOf = (name) => `tables/${encodeURIComponent(name)}`;
const picked = (view) => view.tables.find(({ name }) => name === parameter("table")) ?? view.first;
const windowOf = (table) => (table.windows.includes(parameter("window")) ? parameter("window") : table.windows.at(-1));

/** Return the period of the address, written as the worker writes it; what cannot be read is the newest. */
function wantedPeriod() {
  if (parameter("period") === TOGETHER) return TOGETHER;
  const at = Date.parse(parameter("period"));
  return Number.isNaN(at) ? NEWEST : new Date(at).toISOString().replace(".000Z", "Z");
}

function addressesOf(view) {
  const table = picked(view);
  if (!table) return { tables: "tables" };
  const window = windowOf(table);
  const addresses = { tables: "tables", answer: answerAddress(view, table, window) };
  if (window !== "all") addresses.periods = `${pathOf(table.name)}?${new URLSearchParams({ window, top: 1 })}`;
  return addresses;
}

function answerAddress(view, table, window) {
  const key = parameter("key");
  if (key !== null) return `${pathOf(table.name)}/${encodeURIComponent(key)}?${new URLSearchParams({ window })}`;
  const asked = new URLSearchParams({ window, limit: MOST_ENTRIES });
  const start = wantedPeriod();
  if (window === "all") return `${pathOf(table.name)}?${asked}`;
  if (start === NEWEST) asked.set("newest", 1);
  else if (start === TOGETHER) asked.set("merge", true);
  else {
    asked.set("from", start);
    asked.set("to", new Date(Date.parse(start) + 1).toISOString());
  }
  return `${pathOf(table.name)}?${asked}`;
}

function show(view, { tables, periods, answer, streams }, errors) {
  if (!tables || !streams) return;
  view.tables = tables.tables;
  if (!view.first) {
    const isShown = (topic) => topic !== "dead-letters" && streams.streams[topic]?.received;
    const hasEvents = ({ topics }) => topics.some(isShown);
    view.first = view.tables.find(hasEvents) ?? view.tables[0];
    dispatchEvent(new Event("place")); // now it is known what to follow
    return;
  }
  const table = picked(view);
  showPick(view, table, periods);
  const address = addressesOf(view).answer;
  if (answer?.table === table.name) {
    view.answered = address;
    showAnswer(view, table, answer);
  } else if (address !== view.answered) forget(view, table, errors.answer);
}

function showPick({ pick, tables }, table, periods) {
  const { table: names, window: sizes, period: starts } = pick.elements;
  offer(names, tables.map(({ name }) => [name, title(name)]));
  names.value = table.name;
  offer(sizes, table.windows.map((size) => [size, size === "all" ? "all time" : size]));
  const size = (sizes.value = windowOf(table));
  starts.disabled = size === "all" || parameter("key") !== null;
  const wanted = wantedPeriod();
  const known = (periods?.windows ?? []).toReversed().map(({ start }) => start);
  const isOlder = ![NEWEST, TOGETHER, ...known].includes(wanted); // than those that a worker lists
  const each = [...known, ...(isOlder ? [wanted] : [])].map((start) => [start, period(start, size)]);
  const usual = size === "all" ? [[TOGETHER, "all time"]] : [[NEWEST, "newest"], [TOGETHER, "these together"]];
  offer(starts, [...usual, ...each]);
  starts.value = size === "all" ? TOGETHER : wanted;
}

/** Take away what is of another question, and say why there is no answer to this one. */
function forget(view, table, refusal) {
  const key = parameter("key");
  view.answered = null;
  say(view.caption, nameOf(table.name, key));
  showBack(view, table, key);
  view.chart.hidden = view.counts.hidden = true;
  say(view.apart, refusal ? `No answer: ${refusal}.` : "Asking…");
}

const nameOf = (table, key) => (key === null ? title(table) : `${title(table)}: ${visible(key)}`);

function showAnswer(view, table, answer) {
  const key = parameter("key");
  say(view.caption, captionOf(answer, key));
  showBack(view, table, key);
  const isOverTime = key !== null && answer.window !== "all";
  view.counts.hidden = false;
  const shown = answer.windows.at(-1);
  const entries = isOverTime
    ? answer.windows.map(({ start, entries: [entry] }) => ({ ...entry, key: start }))
    : (shown?.entries ?? []).map((entry) => ({ ...entry }));
  tableFor(view, table, entries, isOverTime).show(entries, {
    total: isOverTime ? entries.length : (shown?.total ?? 0),
    json: addressesOf(view).answer,
  });
  showCurve(view, entries, isOverTime);
  const apart = Object.entries(answer.apart).filter(([, events]) => events);
  const listed = apart.map(([why, events]) => `${count(events)} ${why}`).join(", ");
  say(view.apart, listed && `Events that no window could take: ${listed}.`);
}

function captionOf(answer, key) {
  const name = nameOf(answer.table, key);
  const [first, last] = [answer.windows[0], answer.windows.at(-1)];
  if (!last) return `${name}: nothing counted yet`;
  if (!last.start) return `${name}, all time`;
  if (key !== null) return `${name}, ${plural(answer.windows.length, answer.window)} up to ${period(last.start, answer.window)} UTC`;
  const size = answer.window;
  const isSpan = parameter("period") === TOGETHER;
  const span = isSpan ? `${period(first.start, size)} to ${period(last.end, size)}` : period(last.start, size);
  return `${name}, ${span} UTC, ${last.closed ? "closed" : "still open"}`;
}

function showBack({ back }, table, key) {
  back.hidden = key === null;
  back.href = addressWith({ key: null });
  say(back, `All of ${title(table.name)}`);
}

/** Return the columns of a table; quantiles are one each. */
function columnsOf(table, entries, isOverTime) {
  const text = isOverTime ? (start) => period(start, windowOf(table)) : undefined;
  const first = { name: "key", title: isOverTime ? "start, UTC" : title(table.key), value: (row) => row.key, text };
  const others = table.aggregations.flatMap((name) => {
    const value = entries[0]?.[name];
    const parts = value && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [];
    const text = name === "bytes" ? (size) => (size === undefined ? "–" : bytes(size)) : summary;
    if (!parts.length) return [{ name, title: title(name), value: (row) => row[name], text }];
    return parts.map((part) => ({
      name: `${name} ${part}`,
      title: `${title(name)} ${part}`,
      value: (row) => row[name]?.[part] ?? null,
      text: summary,
    }));
  });
  return [first, ...others];
}

/** Return the table for these columns; another one only where they are others. */
function tableFor(view, table, entries, isOverTime) {
  const columns = columnsOf(table, entries, isOverTime);
  const names = [table.name, isOverTime, ...columns.map(({ name }) => name)].join();
  if (view.columns === names) return view.table;
  view.columns = names;
  const size = isOverTime ? {} : { hrefOf: ({ key }) => addressWith({ key, window: table.windows[0], period: null }) };
  const order = isOverTime ? "-key" : "-count";
  view.table = tableOf({ name: "counts", caption: title(table.name), columns, order, ...size });
  view.counts.replaceChildren(view.table.element);
  return view.table;
}

function showCurve(view, entries, isOverTime) {
  view.chart.hidden = !isOverTime;
  if (!isOverTime) return;
  view.curve ??= chartOf({ title: "Count", series: ["count"] });
  if (!view.chart.children.length) view.chart.append(view.curve.element);
  const times = entries.map(({ key }) => Date.parse(key) / 1000);
  view.curve.show({ times, values: [entries.map((entry) => entry.count)] });
}
