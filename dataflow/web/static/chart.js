// Chart: times and values in, curves with axes out, drawn by uPlot, which is loaded when the first one is shown.

import { make, say } from "./rows.js";
import { oneLine } from "./texts.js";
import { count } from "./words.js";

const COLORS = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5", "--series-6"];
const HEIGHT = 190;
const HALF_MINUTE = 30; // seconds beside a single time: uPlot would draw 1,000 days
const LONGEST_NAME = 80; // of a curve: it may be a key that somebody sent
const [MINUTE, HOUR, DAY, MONTH, YEAR] = [60, 3600, 86_400, 30 * 86_400, 365 * 86_400]; // seconds
const TIMES = [
  ...[1, 2, 5, 10, 15, 30].map((minutes) => MINUTE * minutes), ...[1, 2, 3, 4, 6, 8, 12].map((hours) => HOUR * hours),
  ...[1, 2, 3, 5, 7, 10, 15].map((days) => DAY * days), ...[1, 2, 3, 4, 6].map((months) => MONTH * months),
  ...[1, 2, 5, 10, 20, 50, 100].map((years) => YEAR * years),
]; // the smallest window is a minute: several places of its axis had one name
const BINARY = Array.from({ length: 50 }, (_, power) => 2 ** power);

let loading = null;

/** Load the library: it is a plain script, and its styles are a file of their own. */
function load() {
  loading ??= new Promise((resolve, reject) => {
    const fileOf = (name) => new URL(name, import.meta.url).href;
    const script = make("script", { src: fileOf("./uPlot.iife.min.js") });
    script.addEventListener("load", () => resolve(globalThis.uPlot));
    script.addEventListener("error", reject);
    document.head.append(make("link", { rel: "stylesheet", href: fileOf("./uPlot.min.css") }), script);
  });
  return loading;
}

const colorOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * Make a chart. `series` are the titles of its curves, `text(value)` says a value as people read it;
 * with `isBinary` the axis has round numbers of bytes, with `isStacked` each curve stands on those before it.
 */
export function chartOf({ title, series, text = count, isBinary = false, isStacked = false }) {
  const [place, note] = [make("div", { class: "plot" }), make("p", { class: "note" })];
  const element = make("figure", { class: "chart" }, make("figcaption", {}, title), place, note);
  const view = { title, series, text, isBinary, isStacked, place, plot: null, data: null, asked: 0 };
  new ResizeObserver(() => view.plot?.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw(view));
  return {
    element,
    /** Show values of each curve at these times, in seconds; null is a gap, none are none. `note` says what they lack. */
    show({ times, series: titles = view.series, values = titles.map(() => []), note: lack = "" }) {
      const isOther = titles.join("\n") !== view.series.join("\n");
      view.series = titles;
      view.data = { times, values };
      say(note, lack);
      place.setAttribute("role", "img");
      place.setAttribute("aria-label", told(view));
      if (isOther) redraw(view);
      else draw(view);
    },
  };
}

/** Say in words what a reader of the screen cannot see. */
function told({ title, series, text, data: { times, values } }) {
  if (!times.length) return `${title}: nothing counted yet`;
  const each = series.map((name, place) => {
    const known = values[place].filter((value) => value !== null);
    return known.length ? `${name} ${text(known.at(-1))}, at most ${text(Math.max(...known))}` : `${name} none`;
  });
  return `${title}, up to ${clock(times.at(-1))}: ${each.join("; ")}`;
}

const clock = (seconds) => `${new Date(1000 * seconds).toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** Name a place of the axis of time, UTC: a day, or a minute with its day where one begins. */
function tickOf(seconds, step, at) {
  const [day, time] = clock(seconds).split(" ");
  if (step >= 86_400) return at === 0 ? day : day.slice(5);
  return at === 0 || time === "00:00" ? `${time}\n${day}` : time;
}

function redraw(view) {
  view.plot?.destroy();
  view.plot = null;
  if (view.data) draw(view);
}

async function draw(view) {
  const mine = ++view.asked;
  const uPlot = await load();
  if (mine !== view.asked || !view.place.isConnected) return;
  const data = [view.data.times, ...(view.isStacked ? stacked(view.data.values) : view.data.values)];
  if (view.plot) view.plot.setData(data);
  else view.plot = new uPlot(optionsOf(view, uPlot), data, view.place);
  const isPointedAt = Number.isInteger(view.plot.cursor.idx);
  if (!isPointedAt && data[0].length) view.plot.setLegend({ idx: data[0].length - 1 }, false); // else it has no numbers
}

/** Each curve on those before it; the last one is drawn first, so that none hides another. */
function stacked(values) {
  const sums = new Array(values[0]?.length ?? 0).fill(0);
  return values.map((curve) => curve.map((value, at) => (sums[at] += value ?? 0))).toReversed();
}

function optionsOf(view, uPlot) {
  const [ink, grid] = [colorOf("--faint"), { stroke: colorOf("--line"), width: 1 }];
  const axis = { stroke: ink, grid, ticks: grid, font: "12px system-ui" };
  const ofTime = { ...axis, space: 80, incrs: TIMES, values: (_plot, ticks, _axis, _space, step) => ticks.map((tick, at) => tickOf(tick, step, at)) };
  const curves = view.series.map((label, at) => {
    const stroke = colorOf(COLORS[at % COLORS.length]);
    const value = (_plot, _value, _series, index) =>
      index === null || index === undefined ? "–" : said(view, at, index);
    const fill = view.isStacked || view.series.length === 1 ? `${stroke}${view.isStacked ? "" : "33"}` : undefined;
    return { label: oneLine(label, LONGEST_NAME), stroke, width: 1.5, fill, value, points: { show: view.data.times.length === 1 } };
  });
  return {
    width: view.place.clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(1000 * seconds), "Etc/UTC"),
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { live: true },
    scales: { x: { range: spanOf }, y: { range: (_plot, _least, most) => [0, (most || 1) * 1.05] } },
    axes: [ofTime, { ...axis, size: 72, ...(view.isBinary ? { incrs: BINARY } : {}), values: (_plot, ticks) => ticks.map(view.text) }],
    series: [
      { label: "At", value: (_plot, seconds) => (Number.isFinite(seconds) ? clock(seconds) : "–") },
      ...(view.isStacked ? curves.toReversed() : curves),
    ],
  };
}

const spanOf = ({ data: [times] }, first, last) => (times.length === 1 ? [times[0] - HALF_MINUTE, times[0] + HALF_MINUTE] : [first, last]);

function said({ data, text }, at, index) {
  const value = data.values[at]?.[index];
  return value === null || value === undefined ? "–" : text(value);
}
