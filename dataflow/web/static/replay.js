// Replay: conditions on dead letters in; what would go back, and, once that is confirmed, what became of it.

import { make, say } from "./rows.js";
import { faultOf, tell } from "./tell.js";
import { count, plural } from "./words.js";

const WAIT_SECONDS = 15;

/** Make the buttons; `conditions()` says which letters are meant, `those` is how people call them. */
export function replayOf(conditions, those = "those that match") {
  const preview = make("button", { type: "button" }, `Send back ${those}…`);
  const send = make("button", { type: "button", hidden: "" }, "Send them back");
  const leave = make("button", { type: "button", hidden: "" }, "Leave them");
  const [told, fault] = [make("div", { role: "status" }), make("p", { class: "fault", role: "alert" })];
  const element = make("div", { class: "replay" }, told, fault, make("p", { class: "buttons" }, preview, send, leave));
  const view = { preview, send, leave, told, fault, meant: "{}" };
  preview.addEventListener("click", () => attempt(view, () => show(view, conditions())));
  send.addEventListener("click", () => attempt(view, () => replay(view)));
  leave.addEventListener("click", () => reset(view));
  return { element, reset: () => reset(view) };
}

function reset(view) {
  view.told.replaceChildren();
  say(view.fault, "");
  ask(view, false);
}

function ask(view, isAsking) {
  view.preview.hidden = isAsking;
  view.send.hidden = view.leave.hidden = !isAsking;
}

async function attempt(view, work) {
  const buttons = [view.preview, view.send, view.leave];
  for (const button of buttons) button.disabled = true;
  say(view.fault, "");
  try {
    await work();
  } catch (error) {
    say(view.fault, faultOf(error));
    ask(view, false);
  }
  for (const button of buttons) button.disabled = false;
}

async function show(view, conditions) {
  view.meant = JSON.stringify(conditions);
  const result = await tell("POST", "dead-letters/replay?dry_run=true", view.meant);
  list(view, [`${plural(result.replayed, "event")} would go back${targets(result)}.`, ...counted(result), ...rest(result)]);
  ask(view, result.replayed > 0);
  if (result.replayed) view.send.focus();
}

async function replay(view) {
  list(view, ["Sending them back, and waiting until the workers have read them…"]);
  const result = await tell("POST", `dead-letters/replay?wait_seconds=${WAIT_SECONDS}`, view.meant);
  list(view, [`${plural(result.replayed, "event")} went back${targets(result)}.`, ...counted(result), ...cameBack(result), ...rest(result)]);
  ask(view, false);
}

function list(view, texts) {
  view.told.replaceChildren(...texts.map((text) => make("p", {}, text)));
}

function targets({ topics }) {
  const each = Object.entries(topics).map(([topic, events]) => `${count(events)} to ${topic}`);
  return each.length ? `: ${each.join(", ")}` : "";
}

function counted({ counted_again: events }) {
  return events ? [`Tables count ${plural(events, "event")} of these a second time: only a sink refused them.`] : [];
}

function cameBack({ replayed, came_back: reasons }) {
  if (!replayed) return [];
  if (reasons === null) return ["The workers have not read all of them yet: those that fail again appear in the list."];
  const each = Object.entries(reasons).map(([reason, events]) => `${count(events)} became dead letters again: ${reason}`);
  return each.length ? [`${each.join("; ")}.`] : ["None of them became a dead letter again."];
}

function rest({ already_replayed: before, impossible, complete }) {
  const cannot = Object.entries(impossible).map(([why, events]) => `${plural(events, "event")} cannot go back: ${why}.`);
  const earlier = before ? [`${plural(before, "event")} went back before, and ${before === 1 ? "is" : "are"} not sent again.`] : [];
  return [...earlier, ...cannot, ...(complete ? [] : ["There are more: send back again after this."])];
}
