// Table: rows in; sorted by any column, searched, cut to what is looked at; with the addresses that have them as CSV and JSON.

import { go, parameter } from "./place.js";
import { fill, make, say } from "./rows.js";
import { visible } from "./texts.js";
import { count } from "./words.js";

const FEW = 10;
const MORE = 100;
const MOST_BESIDE = 5; // columns

/**
 * Make a table. `name` is its part of the address, `caption` what it shows. The first of `columns`
 * heads a row; each has {name, title, value(row)}, and may have text(value, row) to show a value and
 * `isNumber: false`, or as its `kind` long (text) or time. `order` is the column that it is sorted by at first, with - for the greatest first.
 * `hrefOf(row)` is where a row leads: a place of the dashboard. `rows` of show() have a `key` each.
 */
export function tableOf({ name, caption, columns, order, hrefOf = () => null, most = FEW }) {
  const parts = partsOf(name, caption, columns);
  const view = { name, columns, order, hrefOf, shown: most, rows: [], total: 0, ...parts };
  view.search.addEventListener("input", () => draw(view));
  view.more.addEventListener("click", () => {
    view.shown += MORE;
    draw(view);
  });
  for (const [place, button] of [...view.element.querySelectorAll("thead button")].entries()) {
    button.addEventListener("click", () => sortBy(view, columns[place]));
  }
  return {
    element: view.element,
    /**
     * Show rows; `total` of how many they are the first, `json` the address that has them, `note` what they lack;
     * `refusal` says why there are none, where the worker refuses the question.
     */
    show(rows, { total = rows.length, json = null, note = "", isComing = false, refusal = "" } = {}) {
      Object.assign(view, { rows, total, isComing, refusal });
      view.saves.show(json);
      say(view.note, note);
      draw(view);
    },
  };
}

/** Make the links to the rows as files; show() takes the address that has them as JSON, null for none. */
export function savesOf(caption) {
  const [csv, json] = ["CSV", "JSON"].map((format) => make("a", { "aria-label": `${caption} as ${format}` }, format));
  const element = make("span", { class: "saves", hidden: "" }, csv, json);
  return {
    element,
    show(address) {
      element.hidden = !address;
      if (address) [csv.href, json.href] = [`${address}${address.includes("?") ? "&" : "?"}format=csv`, address];
    },
  };
}

function partsOf(name, caption, columns) {
  const heads = columns.map((column, place) =>
    make("th", { role: "columnheader", scope: "col", class: kindOf(column, place) }, make("button", { type: "button" }, column.title)),
  );
  const search = make("input", { type: "search", "aria-label": `Search ${caption}`, placeholder: "Search" });
  const more = make("button", { type: "button" }, "Show more");
  const saves = savesOf(caption);
  const [shownOf, note] = [make("span", {}), make("p", { class: "note" })];
  const body = make("tbody", { role: "rowgroup" });
  const head = make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...heads));
  const isWide = columns.length > MOST_BESIDE; // on a telephone each row is a block: its roles keep it a table for readers
  const table = make("table", { role: "table", ...(isWide ? { class: "blocks" } : {}) }, make("caption", {}, caption), head, body);
  const foot = make("p", { class: "foot" }, shownOf, more, saves.element);
  const scroll = make("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" }, table);
  const element = make("div", { class: "table", "data-table": name }, search, scroll, foot, note);
  return { element, search, more, saves, shownOf, note, body, heads };
}

const kindOf = (column, place) => (place === 0 ? "key" : column.kind ?? (column.isNumber === false ? "text" : "number"));

/** Return the order of the address, or the one from the beginning: [column, whether the greatest is first]. */
function orderOf({ name, columns, order }) {
  const asked = parameter(`${name}.order`) ?? order ?? columns[0].name;
  const isDown = asked.startsWith("-");
  return [columns.find((column) => column.name === (isDown ? asked.slice(1) : asked)) ?? columns[0], isDown];
}

function sortBy(view, column) {
  const [sorted, isDown] = orderOf(view);
  const goesDown = sorted === column ? !isDown : column !== view.columns[0];
  go({ [`${view.name}.order`]: `${goesDown ? "-" : ""}${column.name}` }, { isStep: false });
  draw(view);
}

const rankOf = (value) => (typeof value === "number" ? value : value === null || value === undefined ? -Infinity : null);

function compare(one, other) {
  const [left, right] = [rankOf(one), rankOf(other)];
  return left === null || right === null ? String(one).localeCompare(String(other), "en") : left - right;
}

function sorted(view, column, isDown) {
  const wanted = view.search.value.trim().toLowerCase();
  const rows = view.rows.filter((row) => textOf(view.columns[0], row).toLowerCase().includes(wanted));
  return rows.sort((one, other) => (isDown ? -1 : 1) * compare(column.value(one), column.value(other)));
}

function textOf(column, row) {
  const value = column.value(row);
  return column.text ? column.text(value, row) : typeof value === "number" ? count(value) : String(value ?? "–");
}

function draw(view) {
  const [column, isDown] = orderOf(view);
  const rows = sorted(view, column, isDown);
  view.columns.forEach((each, place) => {
    const direction = each === column ? (isDown ? "descending" : "ascending") : null;
    if (direction) view.heads[place].setAttribute("aria-sort", direction);
    else view.heads[place].removeAttribute("aria-sort");
  });
  const greatest = Math.max(0, ...rows.map((row) => (Number.isFinite(column.value(row)) ? column.value(row) : 0)));
  const shown = rows.slice(0, view.shown).map((row) => ({
    key: String(row.key),
    href: view.hrefOf(row),
    texts: view.columns.map((each) => textOf(each, row)),
    share: column === view.columns[0] || !greatest ? null : (100 * column.value(row)) / greatest,
  }));
  fill(view.body, shown, (row) => create(view, row), update);
  const total = view.search.value ? rows.length : Math.max(view.total, rows.length);
  say(view.shownOf, rows.length ? `${count(shown.length)} of ${count(total)}` : emptyOf(view));
  view.more.hidden = shown.length >= rows.length;
  view.search.hidden = view.rows.length <= FEW && !view.search.value;
}

/** Say why no row is shown. */
function emptyOf({ refusal, isComing, rows }) {
  if (refusal) return `No answer: ${refusal}.`;
  if (isComing) return "Asking…";
  return rows.length ? "Nothing found" : "Nothing here yet";
}

function create({ columns }, row) {
  const name = make(row.href === null ? "span" : "a", { class: "name" });
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("i"));
  const cells = columns.slice(1).map((column) =>
    make("td", { role: "cell", class: kindOf(column, 1), "data-label": column.title }),
  );
  return make("tr", { role: "row" }, make("th", { role: "rowheader", scope: "row", class: "key" }, name, bar), ...cells);
}

function update(element, row) {
  const name = element.cells[0].firstChild;
  if (row.href !== null) name.href = row.href;
  say(name, visible(row.texts[0]) || "(empty)");
  element.querySelector(".bar").hidden = row.share === null;
  element.querySelector("i").style.width = `${row.share ?? 0}%`;
  row.texts.slice(1).forEach((text, place) => say(element.cells[place + 1], visible(text)));
}
