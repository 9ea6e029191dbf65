// State: how complete what is shown is; in the head of the page, in the title of its tab and in its icon.

import { fill, make, say } from "./rows.js";

const MARKS = { waiting: "", live: "", partial: "⚠ ", away: "✕ " };
const ICONS = { partial: "icon-partial.svg", away: "icon-away.svg" };

const state = document.querySelector("#state");
const icon = document.querySelector("link[rel=icon]");
const time = document.querySelector("#state-time");
let pageTitle = "";

/** Show a state: live, partial or away. */
export function showState(kind, text) {
  if (state.dataset.state !== kind) {
    state.dataset.state = kind;
    icon.href = new URL(ICONS[kind] ?? "icon.svg", import.meta.url);
  }
  say(document.querySelector("#state-text"), text);
  showTitle();
}

export function nameTab(title) {
  pageTitle = title;
  showTitle();
}

function showTitle() {
  const title = `${MARKS[state.dataset.state]}${pageTitle} – Dataflow`;
  if (document.title !== title) document.title = title;
}

/** Show when the worker was last heard. */
export function showTime() {
  const now = new Date();
  time.dateTime = now.toISOString();
  say(time, now.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" }));
}

/** Say what is amiss; a reader tells of what is new. */
export function showNotices(texts) {
  const rows = [...new Set(texts)].map((text) => ({ key: text }));
  fill(document.querySelector("#notices"), rows, (row) => make("li", {}, row.key), () => {});
}
