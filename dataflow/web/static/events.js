// Events: the newest of a topic as they come, newest first; searched, paused, and one unfolded.

import { go, parameter } from "./place.js";
import { fill, make, offer, say } from "./rows.js";
import { Tail } from "./tail.js";
import { inLines, oneLine, visible } from "./texts.js";
import { bytes, count, leaderless, plural } from "./words.js";

const MOST_KEPT = 200;
const TICK_MS = 250;

/** Build the page; each event that is unfolded stays where it is: the rest waits until it goes on. */
export function open(root) {
  const parts = partsOf(root);
  const view = { ...parts, events: [], coming: [], isPaused: false, skipped: 0, topic: null };
  const tail = new Tail({
    events: (told) => take(view, told),
    fault: (text) => say(view.fault, text),
  });
  parts.topic.addEventListener("change", () => go({ topic: parts.topic.value }));
  parts.pause.addEventListener("click", () => pause(view, !view.isPaused));
  parts.search.addEventListener("input", () => draw(view));
  parts.list.addEventListener("toggle", ({ target }) => unfold(view, target), true);
  const timer = setInterval(() => view.isChanged && draw(view), TICK_MS);
  return {
    addresses: () => ({ topics: "topics" }),
    show({ topics }) {
      if (!topics) return;
      offerTopics(parts, topics.topics);
      if (view.topic === parts.topic.value) return;
      Object.assign(view, { topic: parts.topic.value, events: [], coming: [], skipped: 0 });
      say(view.fault, "");
      pause(view, false);
      tail.follow(view.topic);
    },
    close() {
      clearInterval(timer);
      tail.close();
    },
  };
}

function partsOf(root) {
  const topic = make("select", { name: "topic" });
  const pause = make("button", { type: "button", "aria-pressed": "false" }, "Pause");
  const search = make("input", { type: "search", name: "search", autocomplete: "off", spellcheck: "false" });
  const form = make("form", { class: "tail" }, make("label", {}, "Topic", topic), make("label", {}, "Search these events", search), pause);
  form.addEventListener("submit", (event) => event.preventDefault());
  const [holds, fault] = [make("p", { class: "note", id: "holds" }), make("p", { class: "fault", role: "alert" })];
  const state = make("p", { class: "note", id: "tail-state", "aria-live": "polite" });
  const list = make("ul", { id: "events", "aria-label": "Events, newest first" });
  root.append(make("section", { class: "wide" }, make("h2", {}, "Events"), form, holds, fault, state, list));
  return { topic, pause, search, holds, fault, state, list };
}

function offerTopics(parts, topics) {
  const wanted = parameter("topic") ?? topics[0].name;
  offer(parts.topic, topics.map(({ name, kind }) => [name, `${name} (${kind})`]), wanted);
  if (topics.some(({ name }) => name === wanted)) parts.topic.value = wanted;
  const { holds, role } = topics.find(({ name }) => name === parts.topic.value);
  say(parts.holds, `${holds[0].toUpperCase()}${holds.slice(1)}.${role === "read" ? "" : ` Needs the role ${role}.`} Times are in UTC.`);
}

function take(view, { events, skipped, leaderless_partitions: away }) {
  say(view.fault, away.length ? leaderless(away) : "");
  view.skipped += skipped;
  const known = new Set([...view.events, ...view.coming].map(({ key }) => key)); // a stream begins with what was there
  view.coming.push(...events.map(rowOf).filter(({ key }) => !known.has(key)));
  if (view.coming.length > MOST_KEPT) view.skipped += view.coming.splice(0, view.coming.length - MOST_KEPT).length;
  view.isChanged = true;
}

function rowOf(event) {
  const parts = [event.key?.text, event.value?.text, ...event.headers.flatMap(([name, value]) => [name, value?.text])];
  return { key: `${event.partition}/${event.offset}`, event, searched: parts.join("\n").toLowerCase() };
}

function pause(view, isPaused) {
  view.isPaused = isPaused;
  view.pause.setAttribute("aria-pressed", String(isPaused));
  say(view.pause, isPaused ? "Go on" : "Pause");
  draw(view);
}

function draw(view) {
  view.isChanged = false;
  if (!view.isPaused) {
    view.events = [...view.coming.reverse(), ...view.events].slice(0, MOST_KEPT);
    view.coming = [];
  }
  const wanted = view.search.value.trim().toLowerCase();
  const rows = view.events.filter(({ searched }) => searched.includes(wanted));
  fill(view.list, rows, create, () => {});
  const shown = wanted ? `${count(rows.length)} of ${plural(view.events.length, "event")}` : plural(rows.length, "event");
  const waiting = view.isPaused ? `; paused, ${count(view.coming.length)} newer` : ", newest first";
  const left = view.skipped ? `; ${count(view.skipped)} left out, as more come than can be shown` : "";
  say(view.state, `${shown}${waiting}${left}`);
}

function create({ event }) {
  const time = make("time", { datetime: event.at ?? "" }, event.at ? event.at.slice(11, 23).replace("Z", "") : "–");
  const place = make("span", { class: "place" }, `${event.partition}/${event.offset}`);
  const key = make("span", { class: "event-key" }, event.key ? oneLine(event.key.text, 60) : "");
  const value = make("code", {}, event.value ? oneLine(event.value.text) : "(no value)");
  return make("li", {}, make("details", {}, make("summary", {}, time, place, key, value)));
}

/** Show all of an event once it is unfolded; what comes meanwhile waits. */
function unfold(view, details) {
  if (!details.open) return;
  pause(view, true);
  if (details.children.length > 1) return;
  const key = details.parentElement.dataset.key;
  const row = view.events.find((each) => each.key === key);
  if (row) details.append(detailsOf(row.event));
}

function detailsOf(event) {
  const facts = [
    ["Partition and offset", `${event.partition}/${event.offset}`],
    ["Time", event.at ? `${event.at.replace("T", " ").replace("Z", "")} UTC` : "none"],
    ["Key", event.key ? sizeOf(event.key) : "none"],
    ...event.headers.map(([name, value]) => [`Header ${visible(name)}`, value ? visible(value.text) : "none"]),
    ["Value", event.value ? sizeOf(event.value, false) : "none"],
  ];
  const list = make("dl", { class: "facts" }, ...facts.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
  const value = event.value ? bodyOf(event.value) : "";
  return make("div", { class: "unfolded" }, list, make("pre", { tabindex: "0", role: "region", "aria-label": "Value" }, value));
}

function sizeOf(shown, withText = true) {
  const cut = shown.is_cut ? ", of which the first are shown" : "";
  const kind = { json: "JSON", text: "text", bytes: "no UTF-8" }[shown.kind];
  return `${withText ? `${visible(shown.text)} – ` : ""}${bytes(shown.bytes)}, ${kind}${cut}`;
}

const bodyOf = ({ text, kind }) => visible(kind === "json" ? inLines(text) : text);
