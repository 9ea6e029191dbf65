// Counts: what is picked in, the answer of /tables/{name} as a table out.

import { ask } from "./ask.js";
import { fill, make, offer, say } from "./rows.js";
import { count, period, summary, title } from "./words.js";

const NEWEST = "newest";
const TOGETHER = "together";
const MOST_ENTRIES = 1000; // of one answer

const pick = document.querySelector("#pick").elements;
const view = document.querySelector("#counts");
let tables = [];
let starts = []; // of the newest windows, oldest first

const picked = () => tables.find((table) => table.name === pick.table.value);
const pathOf = (name) => `tables/${encodeURIComponent(name)}`;

function offerOfTable() {
  const table = picked();
  offer(pick.window, table.windows.map((size) => [size, size === "all" ? "all time" : size]), table.windows.at(-1));
  offer(pick.order, table.orders.map((name) => [name, title(name)]));
}

/** Learn which tables there are, link to them, and begin with one that has something to show. */
async function loadTables(streams) {
  ({ tables } = await ask("tables"));
  const first = tables.find(({ topics }) => topics.some((topic) => streams[topic]?.received)) ?? tables[0];
  offer(pick.table, tables.map(({ name }) => [name, title(name)]), first.name);
  offerOfTable();
  const links = document.querySelector("#links");
  const known = new Set([...links.querySelectorAll("a")].map((link) => link.textContent));
  for (const { name } of tables.filter((table) => !known.has(`/tables/${table.name}`))) {
    links.append(make("li", {}, make("a", { href: pathOf(name) }, `/tables/${name}`)));
  }
}

/** Learn which windows there are: without a range an answer has the newest. */
async function loadPeriods() {
  const size = pick.window.value;
  pick.period.disabled = size === "all";
  if (size === "all") {
    starts = [];
    offer(pick.period, [[TOGETHER, "all time"]]);
    return;
  }
  const { windows } = await ask(pathOf(pick.table.value), { window: size, top: 1 });
  starts = windows.map(({ start }) => start);
  const each = starts.toReversed().map((start) => [start, period(start, size)]);
  offer(pick.period, [[NEWEST, "newest"], [TOGETHER, "these together"], ...each], NEWEST);
}

function parameters() {
  const { window, period: start, order, top } = Object.fromEntries(
    ["window", "period", "order", "top"].map((name) => [name, pick[name].value]),
  );
  const asked = { window, order, top, limit: MOST_ENTRIES };
  if (start === NEWEST) return { ...asked, from: starts.at(-1) ?? null };
  if (start === TOGETHER) return { ...asked, merge: window !== "all" };
  const end = new Date(Date.parse(start) + 1).toISOString();
  return { ...asked, from: start, to: end };
}

/** Say when people pick something; periods are those of the table and window. */
export function onPick(changed) {
  document.querySelector("#pick").addEventListener("submit", (event) => event.preventDefault());
  document.querySelector("#pick").addEventListener("change", ({ target }) => {
    if (target === pick.table) offerOfTable();
    if (target === pick.table || target === pick.window) pick.period.replaceChildren();
    changed();
  });
}

function caption(answer, shown) {
  const name = title(answer.table);
  if (!shown) return `${name}: nothing counted yet`;
  if (!shown.start) return `${name}, all time`;
  const size = answer.window;
  const span = pick.period.value === TOGETHER ? `${period(shown.start, size)} to ${period(shown.end, size)}` : period(shown.start, size);
  return `${name}, ${span} UTC, ${shown.closed ? "closed" : "still open"}`;
}

/** Return the columns of a table; quantiles are one each. */
function columnsOf(names, entry) {
  return names.flatMap((name) => {
    const value = entry?.[name];
    const parts = value && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [];
    return parts.length
      ? parts.map((part) => ({ label: `${title(name)} ${part}`, of: (row) => row[name][part] }))
      : [{ label: title(name), of: (row) => row[name] }];
  });
}

function showHead(columns) {
  const row = view.tHead.rows[0];
  const labels = [title(picked().key), ...columns.map(({ label }) => label)];
  if (row.dataset.labels === labels.join()) return;
  row.dataset.labels = labels.join();
  view.tBodies[0].replaceChildren();
  row.replaceChildren(...labels.map((label, at) => make("th", { scope: "col", class: at ? "number" : "key" }, label)));
}

function create(row) {
  const link = make("a", { href: row.href }, row.key || "(empty)");
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("i"));
  const cells = row.texts.map(() => make("td", { class: "number" }));
  return make("tr", {}, make("th", { scope: "row", class: "key" }, link, bar), ...cells);
}

function update(element, row) {
  element.querySelector("a").href = row.href;
  element.querySelector("i").style.width = `${row.share}%`;
  row.texts.forEach((text, place) => say(element.cells[place + 1], text));
}

function show(answer) {
  const shown = answer.windows.at(-1);
  const entries = shown?.entries ?? [];
  const columns = columnsOf(picked().aggregations, entries[0]);
  const most = Math.max(1, ...entries.map((entry) => entry.count));
  showHead(columns);
  say(view.caption, caption(answer, shown));
  const rows = entries.map((entry) => ({
    key: entry.key,
    href: `${pathOf(answer.table)}/${encodeURIComponent(entry.key)}?window=${answer.window}`,
    share: (100 * entry.count) / most,
    texts: columns.map(({ of }) => summary(of(entry))),
  }));
  fill(view.tBodies[0], rows, create, update);
  const apart = Object.entries(answer.apart).filter(([, events]) => events);
  const listed = apart.map(([why, events]) => `${count(events)} ${why}`).join(", ");
  say(document.querySelector("#apart"), listed && `Events that no window could take: ${listed}.`);
}

/** Ask for what is picked and show it. */
export async function showCounts(streams) {
  if (!tables.length) await loadTables(streams);
  if (!pick.period.options.length || (pick.window.value !== "all" && !starts.length)) await loadPeriods();
  const asked = pick.table.value;
  const answer = await ask(pathOf(asked), parameters());
  if (asked !== pick.table.value || answer.window !== pick.window.value) return; // picked meanwhile
  const newest = answer.windows.at(-1)?.start;
  if (newest && starts.length && newest > starts.at(-1)) await loadPeriods();
  show(answer);
}
