// The shell: opens the page that the address names, and keeps it, and what is said of it, up to date.

import { follow, onLive } from "./live.js";
import { PAGES } from "./pages.js";
import { goTo, addressWith, pageName } from "./place.js";
import { showControls } from "./controls.js";
import { fill, make } from "./rows.js";
import { keepShowing } from "./session.js";
import { nameTab, showNotices, showState, showTime } from "./state.js";
import { differencesOf, missingOf, pausedOf } from "./streams.js";

const ALWAYS = { streams: "streams", versions: "rules/versions" }; // what notices are made of

const READS_KAFKA = /^(dead-letters|sinks|workers)\b/; // takes its time, whatever the workers do

const root = document.querySelector("main");
const events = new Map(); // the newest of each address that is followed
let opened = null; // {entry, page, addresses}
let beat = { not_ready: null, waiting: [] };
let opening = 0;

const answerOf = (address) => {
  const event = events.get(address);
  return event?.status === 200 ? event.answer : undefined;
};

function showNavigation(entry) {
  const rows = PAGES.map(({ name, title }) => ({ key: name, title, isHere: name === entry.name }));
  const create = (row) => make("li", {}, make("a", {}, row.title));
  fill(document.querySelector("#pages"), rows, create, (element, row) => {
    element.firstChild.href = addressWith({ page: row.key });
    if (row.isHere) element.firstChild.setAttribute("aria-current", "page");
    else element.firstChild.removeAttribute("aria-current");
  });
}

/** Push the navigation until the page that was opened is in its middle: on a telephone it shows four of them. */
function revealPage() {
  const pages = document.querySelector("#pages");
  const { offsetLeft, offsetWidth } = pages.querySelector("[aria-current]");
  pages.scrollLeft = offsetLeft + offsetWidth / 2 - pages.offsetLeft - pages.clientWidth / 2;
}

/** Open the page of the address, or have it heed what has changed of the place. */
async function show() {
  const entry = PAGES.find(({ name }) => name === pageName()) ?? PAGES[0];
  showNavigation(entry);
  showControls(entry);
  nameTab(entry.title);
  if (opened?.entry !== entry) await change(entry);
  if (opened?.entry === entry) followPage();
}

async function change(entry) {
  const mine = ++opening;
  const module = await entry.load();
  if (mine !== opening) return; // another one was chosen meanwhile
  opened?.page.close?.();
  revealPage();
  const place = make("div", { class: "page", "data-page": entry.name });
  root.replaceChildren(place);
  opened = { entry, page: module.open(place), addresses: {} };
}

function followPage() {
  opened.addresses = { ...ALWAYS, ...opened.page.addresses() };
  const addresses = Object.values(opened.addresses);
  for (const known of [...events.keys()].filter((each) => !addresses.includes(each))) events.delete(known);
  follow(addresses);
  draw();
}

function draw() {
  if (!opened || document.hidden) return;
  const named = Object.entries(opened.addresses);
  const answers = named.map(([name, address]) => [name, answerOf(address)]);
  const failed = named.filter(([, address]) => (events.get(address)?.status ?? 200) !== 200);
  const errors = failed.map(([name, address]) => [name, events.get(address).answer.error]);
  opened.page.show(Object.fromEntries(answers), Object.fromEntries(errors));
}

/** Say how complete the page is: of all it follows, not only of what has just come. */
function judge() {
  const streams = events.get(ALWAYS.streams);
  if (!streams) return;
  if (streams.status !== 200) {
    showState("away", streams.status === 503 ? "Recovering, last seen" : "No answer, last seen");
    showNotices([`This worker answers ${streams.status}: ${streams.answer.error}.`]);
    return;
  }
  const missing = [...missingOf(streams.answer), ...waitingOf(beat), ...lackingIn(followed())];
  const versions = answerOf(ALWAYS.versions) ?? {};
  showState(missing.length ? "partial" : "live", missing.length ? "Partly answered at" : "Live at");
  showNotices([...missing, ...pausedOf(streams.answer), ...differencesOf(versions)]);
}

function waitingOf({ waiting, not_ready: reason }) {
  const notices = reason ? [`This worker is ${reason}.`] : [];
  if (waiting.some((address) => !READS_KAFKA.test(address))) notices.push("A worker does not answer; the numbers are from before. Asking again.");
  return notices;
}

const followed = () =>
  Object.values(opened?.addresses ?? {}).flatMap((address) => events.get(address) ?? []);

/** Say what is not answered, and of which tables a partition counts nothing for now. */
function lackingIn(answered) {
  return answered.flatMap(({ of, status, answer }) => {
    const [, table] = /^tables\/([^/?]*)/.exec(of) ?? [];
    const name = table ? `The table ${table.replaceAll("_", " ")}` : `/${of.split("?")[0]}`;
    if (status >= 500) return [`${name} is not answered: ${answer.error}.`];
    return !table ? [] : Object.entries(answer.suspended ?? {}).map(
      ([partition, why]) => `${name} lacks what is in ${partition}: ${why}.`,
    );
  });
}

onLive({
  answer(event) {
    events.set(event.of, event);
    judge();
    draw();
  },
  beat(event) {
    beat = event;
    showTime();
    judge();
    draw(); // rates, and how old things are, change with time
  },
  silence() {
    if (events.size === 0) return;
    showState("away", "No answer, last seen");
    showNotices(["This worker does not answer. Asking again; the numbers are the last ones it gave."]);
  },
  refusal(error) {
    showState("away", "No answer, last seen");
    showNotices([error.status ? `This worker answers ${error.status}: ${error.message}.` : "This worker does not answer. Asking again."]);
  },
});

// A link to a place of the dashboard opens it without loading all of it again.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='?']");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  goTo(link.getAttribute("href"));
});
addEventListener("popstate", show);
addEventListener("place", show);
document.addEventListener("visibilitychange", draw);

show();
keepShowing();
