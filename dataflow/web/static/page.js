// The page: asks the worker every second, shows what it says, and says when it says nothing.

import { HttpError, ask } from "./ask.js";
import { onPick, showCounts } from "./counts.js";
import { fill, make, say } from "./rows.js";
import { showSession } from "./session.js";
import { differencesOf, missingOf, pausedOf, showStreams } from "./streams.js";

const EVERY_MS = 1000;

const state = document.querySelector("#state");
let asking = false;
let again = false;
let timer;

function showState(kind, text) {
  state.dataset.state = kind;
  say(document.querySelector("#state-text"), text);
}

function showNotices(texts) {
  const rows = texts.map((text) => ({ key: text }));
  fill(document.querySelector("#notices"), rows, (row) => make("li", {}, row.key), () => {});
}

function showTime() {
  const now = new Date();
  const time = document.querySelector("#state-time");
  time.dateTime = now.toISOString();
  say(time, now.toLocaleTimeString("en-GB"));
}

async function refresh() {
  try {
    const versionsOrNone = ask("rules/versions").catch(() => ({})); // while a worker is away
    const [answer, versions] = await Promise.all([ask("streams"), versionsOrNone]);
    showStreams(answer);
    await showCounts(answer.streams);
    const missing = missingOf(answer);
    showState(missing.length ? "partial" : "live", missing.length ? "Partly answered at" : "Live at");
    showNotices([...pausedOf(answer), ...differencesOf(versions), ...missing]);
    showTime();
  } catch (error) {
    showTrouble(error);
  }
}

function showTrouble(error) {
  const answered = error instanceof HttpError;
  showState("away", answered && error.status === 503 ? "Recovering, last seen" : "No answer, last seen");
  showNotices([
    answered
      ? `This worker answers ${error.status}: ${error.message}.`
      : "This worker does not answer. Asking again; the numbers are the last ones it gave.",
  ]);
}

/** Ask now and then every second, one question at a time, and not while nobody looks. */
async function poll() {
  clearTimeout(timer);
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  again = false;
  await refresh();
  asking = false;
  if (!document.hidden) timer = setTimeout(poll, again ? 0 : EVERY_MS);
}

onPick(poll);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) poll();
});
poll();
showSession().catch(() => {}); // the notices say what is amiss
