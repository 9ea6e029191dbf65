// Series: addresses of tables for the range of the place, and their answers as curves and sums.

import { range } from "./place.js";
import { OTHER } from "./questions.js";
import { period } from "./words.js";

const SIZES = { minute: 60, hour: 3600, day: 86_400 }; // seconds
const MOST = 1000; // windows of one answer

const secondsOf = (instant) => Date.parse(instant) / 1000;
const isoOf = (seconds) => new Date(1000 * seconds).toISOString();

/** Return how many windows of which size the range has, and where it begins and ends if that is fixed. */
function spanOf({ window, newest, from, to }) {
  const size = SIZES[window];
  if (!from) return { window, size, windows: newest };
  const begin = Math.floor(secondsOf(from) / size) * size;
  const end = Math.ceil(secondsOf(to) / size) * size;
  return { window, size, windows: (end - begin) / size, begin, end };
}

function addressOf(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return `tables/${path}?${new URLSearchParams(given)}`;
}

/**
 * Return the address of the curve of a table, or of one of its keys; `of` is another range than the place's.
 * It has the time before the range, too: what it is compared with.
 */
export function curveAddress(table, { key = null, where = null, topic = null, of = range() } = {}) {
  const { window, size, windows, begin, end } = spanOf(of);
  const asked = Math.min(2 * windows, MOST);
  const bounds = begin ? { from: isoOf(end - asked * size), to: isoOf(end) } : { newest: asked };
  const path = key === null ? table : `${table}/${encodeURIComponent(key)}`;
  return addressOf(path, { window, ...bounds, topic, limit: MOST, keys: key === null ? "together" : null, where });
}

/** Return the address of the first keys of a table in the range. */
export function rankingAddress(table, { order = "count", keys = null, where = null, topic = null, limit = 100, of = range() } = {}) {
  const { window, windows, begin, end } = spanOf(of);
  const bounds = begin ? { from: isoOf(begin), to: isoOf(end) } : { newest: Math.min(windows, MOST) };
  return addressOf(table, { window, ...bounds, merge: true, order, keys, where, topic, limit });
}

/** Return the entries of a ranking, and how many there are in all. */
export function rankingOf(answer) {
  const [window] = answer?.windows ?? [];
  return { rows: window?.entries ?? [], total: window?.total ?? 0 };
}

/** Return the entry that was asked for: beside it a full window has one of all that it holds no longer apart. */
const ownOf = (entries) => entries.find(({ key }) => key !== OTHER);

/** Return how many rows, at most, a curve lacks, as windows were full. */
export const untoldOf = (answer) => sumOf((answer?.windows ?? []).flatMap(({ entries }) => entries.filter(({ key }) => key === OTHER)), "count");

/**
 * Return a curve: `times` in seconds, and `entries` of each, null where there were no events. A
 * window that is being filled now is in the sums, and not in the curve, which would fall at its end;
 * where it is the only one, it is in the curve, too.
 */
export function curveOf(answer, of = range()) {
  const { window, size, windows, begin: fixed } = spanOf(of);
  const known = new Map((answer?.windows ?? []).map(({ start, entries }) => [secondsOf(start), ownOf(entries)]).filter(([, entry]) => entry));
  const newest = Math.max(...known.keys());
  if (!known.size) return { times: [], entries: [], inRange: [], before: [], window, size, newest: null };
  const begin = fixed ?? newest - (windows - 1) * size;
  const places = Array.from({ length: Math.min(windows, MOST) }, (_, place) => begin + place * size);
  const isFilling = 1000 * (newest + size) > Date.now() && windows > 1 && [...known.keys()].some((time) => begin <= time && time < newest);
  const times = places.filter((time) => !isFilling || time < newest);
  const within = (from) => [...known].filter(([time]) => from <= time && time < from + windows * size).map(([, entry]) => entry);
  return {
    times,
    entries: times.map((time) => known.get(time) ?? null),
    inRange: within(begin),
    before: 2 * windows <= MOST ? within(begin - windows * size) : [],
    window,
    size,
    newest,
  };
}

/** Return the values of one aggregation of a curve; where there were no events a number is 0. */
export const valuesOf = ({ entries }, name) => entries.map((entry) => (entry ? entry[name] : 0));

/** Return the values of a quantile of a curve; where there were no events it has none. */
export const quantilesOf = ({ entries }, name, part) => entries.map((entry) => entry?.[name]?.[part] ?? null);

export const sumOf = (entries, name) => entries.reduce((sum, entry) => sum + (entry[name] ?? 0), 0);

/** Say by how much a sum differs from that before: "▲ 12 %"; "" where that is not known. */
export function changeOf(now, before) {
  if (!before) return "";
  const share = (now - before) / before;
  if (Math.abs(share) < 0.005) return "± 0 %";
  const percent = Math.abs(100 * share);
  return `${share > 0 ? "▲" : "▼"} ${percent >= 1000 ? "> 999" : percent.toFixed(percent < 10 ? 1 : 0)} %`;
}

/** Return the counts of a key at the times of a curve: one that comes seldom has fewer windows. */
export function countsAt({ times }, answer) {
  const windows = answer?.windows ?? [];
  const known = new Map(windows.map(({ start, entries }) => [secondsOf(start), ownOf(entries)?.count ?? 0]));
  return times.map((time) => known.get(time) ?? 0);
}

/** Say where the newest event is. */
export function newestOf({ newest, window }) {
  if (newest === null) return "–";
  return `${period(isoOf(newest), window)}${window === "day" ? "" : " UTC"}`;
}
