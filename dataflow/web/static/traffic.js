// Traffic: requests of CDN and web servers over time, and what they ask for, answer and come from.

import { breakdownsOf } from "./breakdowns.js";
import { chartOf } from "./chart.js";
import { figuresOf } from "./figures.js";
import { hitShare, kindsOf } from "./kinds.js";
import { filters, range } from "./place.js";
import { lackOf, questionOf, questionWith } from "./questions.js";
import { make, say } from "./rows.js";
import { changeOf, countsAt, curveAddress, curveOf, newestOf, quantilesOf, rankingAddress, rankingOf, sumOf, untoldOf, valuesOf } from "./series.js";
import { bytes, count, duration, percent, short } from "./words.js";

const QUANTILES = ["p50", "p90", "p99"];
const MOST_STATUSES = 5;
const OTHERS = "others";

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
    bytes: chartOf({ title: "Bytes sent", series: ["bytes"], text: bytes, isBinary: true }),
  };
  const [kinds, lack] = [kindsOf(), make("p", { class: "note" })];
  const breakdowns = breakdownsOf();
  root.append(
    make("section", { class: "wide" }, make("h2", {}, "Traffic"), figures.element, note),
    make("section", { class: "wide" }, make("h2", {}, "Cache, bots and methods"), kinds.element, lack),
    ...Object.values(charts).map(({ element }) => make("section", {}, element)),
    ...breakdowns.elements,
  );
  return { figures, note, charts, breakdowns, kinds, lack, statuses: [] };
}

const streamTopic = () => filters().stream ?? null;

function addressesOf(view) {
  const topic = streamTopic();
  const set = filters();
  const question = questionOf(set);
  const asked = JSON.stringify([set, range()]);
  if (asked !== view.asked) forget(view);
  view.asked = asked;
  const statuses = "status" in set ? [] : view.statuses.flatMap((status) => {
    const each = questionWith(set, "status", status);
    return each ? [[`status ${status}`, addressOf(each)]] : [];
  });
  return {
    kinds: rankingAddress("requests_per_kind", { topic }),
    ...(question ? { total: addressOf(question) } : {}),
    ...(isPlain(question) ? { times: curveAddress("requests_per_endpoint", { topic }) } : {}),
    ...view.breakdowns.addresses(),
    ...Object.fromEntries(statuses),
  };
}

const isPlain = (question) => question !== null && !question.fields.length;

/** Take away what is of another question: it would pass for the answer to this one. */
function forget({ figures, charts, note }) {
  figures.show([]);
  say(note, "Asking…");
  for (const chart of Object.values(charts)) chart.show({ times: [], note: "Asking…" });
}

const addressOf = ({ table, key, where }) => curveAddress(table, { key, where, topic: streamTopic() });

function show(view, answers, errors) {
  chooseStatuses(view, answers);
  const question = questionOf(filters());
  const curve = curveOf(question ? answers.total : null);
  const { rows: kinds } = rankingOf(answers.kinds);
  view.figures.element.hidden = !question;
  if (!question) say(view.note, lackOf(filters()));
  else if (answers.total) showFigures(view, curve, question, answers.total, kinds);
  else if (errors.total) say(view.note, `No answer: ${errors.total}.`);
  view.kinds.show(kinds);
  say(view.lack, isPlain(question) ? sinceOf(answers.kinds) : "Of all requests: no table counts by these and the filters together.");
  showCharts(view, curve, answers, question, errors);
  view.breakdowns.show(answers, errors, sumOf(curve.inRange, "count"));
}

const sinceOf = (answer) => (answer?.since ? `Counted since ${answer.since.slice(0, 16).replace("T", " ")} UTC.` : "");

/** Follow the curves of the statuses that come most. */
function chooseStatuses(view, answers) {
  const { rows, total } = rankingOf(answers.status);
  view.hasOthers = total > MOST_STATUSES;
  const first = rows.slice(0, MOST_STATUSES).map(({ key }) => key).sort();
  if (!first.length || first.join() === view.statuses.join()) return;
  view.statuses = first;
  dispatchEvent(new Event("place"));
}

function showFigures({ figures, note }, curve, { fields }, answer, kinds) {
  const [now, before] = [curve.inRange, curve.before];
  const [asked, failed, sent] = ["count", "errors", "bytes"].map((name) => sumOf(now, name));
  const change = (name) => changeOf(sumOf(now, name), sumOf(before, name));
  figures.show([
    { title: "Requests", value: short(asked), more: change("count") },
    { title: "Failed (5xx)", value: asked ? percent(failed / asked) : "–", more: `${count(failed)} ${change("errors")}` },
    { title: "Bytes sent", value: bytes(sent), more: change("bytes") },
    ...(fields.length || hitShare(kinds) === null ? [] : [{ title: "Cache hits", value: percent(hitShare(kinds)), more: "where a cache was asked" }]),
    { title: "Newest", value: newestOf(curve), more: `counted per ${curve.window}` },
  ]);
  const untold = fields.length ? untoldOf(answer) : 0;
  say(note, [
    before.length ? "Compared with the same time before." : "",
    answer.apart?.late ? `${count(answer.apart.late)} came too late for their window and are not in it.` : "",
    untold ? `Up to ${count(untold)} more may belong here: full windows hold them no longer apart.` : "",
    sinceOf(answer),
  ].filter(Boolean).join(" "));
}

function showCharts({ charts, statuses, hasOthers }, curve, answers, question, errors) {
  const lack = curve.newest === null ? "Nothing counted in this range." : "";
  const isOfEndpoint = question?.table === "requests_per_endpoint";
  const hide = (chart, isHidden) => (chart.element.parentElement.hidden = Boolean(isHidden));
  if (question && !answers.total) {
    if (errors.total) refuse(charts, errors.total);
    return;
  }
  charts.requests.show({ times: curve.times, values: [valuesOf(curve, "count"), valuesOf(curve, "errors")], note: lack });
  charts.bytes.show({ times: curve.times, values: [valuesOf(curve, "bytes")] });
  for (const chart of [charts.requests, charts.bytes]) hide(chart, !question);
  const withTimes = isOfEndpoint ? curve : curveOf(answers.times);
  hide(charts.times, !isPlain(question) && !isOfEndpoint);
  charts.times.show({
    times: withTimes.times,
    values: QUANTILES.map((part) => quantilesOf(withTimes, "response_time_ms", part)),
    note: errors.times ? `No answer: ${errors.times}.` : "", // more endpoints than can be put together
  });
  const known = statuses.filter((status) => questionWith(filters(), "status", status));
  hide(charts.statuses, "status" in filters() || !known.length);
  showStatuses(charts.statuses, known, curve, answers, hasOthers);
}

/** Draw nothing: what was refused does not come. */
function refuse(charts, refusal) {
  for (const chart of Object.values(charts)) chart.show({ times: [], note: `No answer: ${refusal}.` });
}

/** Draw the statuses that come most, and what is left of all requests, so that they add up to these. */
function showStatuses(chart, statuses, curve, answers, hasOthers) {
  const values = statuses.map((status) => countsAt(curve, answers[`status ${status}`]));
  const isWhole = statuses.every((status) => answers[`status ${status}`]);
  if (!statuses.length || !isWhole) return;
  const others = valuesOf(curve, "count").map((all, at) => Math.max(0, all - values.reduce((sum, each) => sum + each[at], 0)));
  chart.show({ times: curve.times, values: hasOthers ? [...values, others] : values, series: hasOthers ? [...statuses, OTHERS] : statuses });
}
