// Shares: what a table of few keys consists of, now and over time; two pages are made of it.

import { chartOf } from "./chart.js";
import { figuresOf } from "./figures.js";
import { addressWith, range } from "./place.js";
import { make, say } from "./rows.js";
import { changeOf, countsAt, curveAddress, curveOf, newestOf, rankingAddress, rankingOf, sumOf } from "./series.js";
import { tableOf } from "./table.js";
import { count, percent, short } from "./words.js";

const MOST_CURVES = 6;

/**
 * Build the page of a table: `distinct` is its aggregation of different values with their name, `ranges`
 * are those that its windows allow.
 */
export function sharesOf(root, { title, noun, table, key, distinct: [distinct, things], ranges }) {
  const view = { ...viewOf(root, { title, noun, table, key, distinct, things, ranges }), keys: [] };
  const of = () => range(ranges);
  const curveOfKey = (name) => [`curve ${name}`, curveAddress(table, { key: name, of: of() })];
  return {
    addresses: () => ({
      total: curveAddress(table, { of: of() }),
      ranking: rankingAddress(table, { of: of() }),
      ...Object.fromEntries(view.keys.map(curveOfKey)),
    }),
    show(answers, errors) {
      const { rows, total } = rankingOf(answers.ranking);
      const refusal = errors.ranking ?? errors.total ?? "";
      choose(view, rows);
      const json = answers.ranking && rankingAddress(table, { of: of() });
      const whole = sumOf(rows, "count");
      view.table.show(rows.map((row) => ({ ...row, of: whole })), { total, json, isComing: !answers.ranking, refusal });
      if (!answers.ranking || !answers.total) return forget(view, refusal);
      const curve = curveOf(answers.total, of());
      showFigures(view, curve, { noun, whole, apart: answers.total.apart });
      showCurves(view, curve, answers);
    },
  };
}

function viewOf(root, { title, noun, table, key, distinct, things, ranges }) {
  const figures = figuresOf(`${title} in the range`);
  const chart = chartOf({ title: `${noun[0].toUpperCase()}${noun.slice(1)} over time`, series: [], text: short, isStacked: true });
  const shares = tableOf({
    name: "shares",
    caption: `By ${key}, in the range`,
    columns: [
      { name: "key", title: key, value: (row) => row.key },
      { name: "count", title: noun, value: (row) => row.count },
      { name: "share", title: "share", value: (row) => row.count, text: (value, row) => percent(value / row.of) },
      { name: distinct, title: things, value: (row) => row[distinct] },
    ],
    order: "-count",
    hrefOf: (row) => addressWith({ page: "tables", table, key: row.key, window: range(ranges).window }),
  });
  const note = make("p", { class: "note" });
  root.append(
    make("section", { class: "wide" }, make("h2", {}, title), figures.element, note),
    make("section", {}, chart.element),
    make("section", {}, shares.element),
  );
  return { figures, chart, table: shares, note };
}

/** Show no number without its answer: 0 would be believed. */
function forget({ figures, chart, note }, refusal) {
  const lack = refusal ? `No answer: ${refusal}.` : "Asking…";
  figures.show([]);
  say(note, lack);
  chart.show({ times: [], note: lack });
}

/** Follow the curves of the keys that come most. */
function choose(view, rows) {
  const first = rows.slice(0, MOST_CURVES).map(({ key }) => key).sort();
  if (!first.length || first.join("\n") === view.keys.join("\n")) return;
  view.keys = first;
  dispatchEvent(new Event("place"));
}

function showFigures({ figures, note }, curve, { noun, whole, apart }) {
  const before = sumOf(curve.before, "count");
  figures.show([
    { title: `All ${noun}`, value: count(whole), more: changeOf(whole, before) },
    { title: `Per ${curve.window}`, value: short(curve.times.length ? whole / curve.times.length : 0), more: "on average" },
    { title: "Newest", value: newestOf(curve), more: `counted per ${curve.window}` },
  ]);
  const late = apart?.late ? ` ${count(apart.late)} came too late for their window and are not in it.` : "";
  say(note, `${before ? "Compared with the same time before." : ""}${late}`.trim());
}

function showCurves({ chart, keys }, curve, answers) {
  if (!keys.length || !keys.every((key) => answers[`curve ${key}`])) return;
  const values = keys.map((key) => countsAt(curve, answers[`curve ${key}`]));
  chart.show({ times: curve.times, values, series: keys });
}
