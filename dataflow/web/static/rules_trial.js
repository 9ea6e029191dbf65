// Trial: what the rules in the editor would do with the last lines of a topic, and by which field.

import { fill, make, say } from "./rows.js";
import { faultOf, tell } from "./tell.js";
import { oneLine } from "./texts.js";
import { count, percent } from "./words.js";

const PAUSE_MS = 700; // after the last key that was pressed
const TOPIC = "cdn-logs";

/** Make the trial of the rules that `text()` returns. */
export function tryingOf(text) {
  const last = make("select", { name: "last" }, ...[1000, 10_000, 100_000].map((lines) => make("option", { value: lines }, count(lines))));
  const again = make("button", {}, "Try");
  const form = make("form", {}, make("label", {}, `Lines, the last of ${TOPIC}`, last), again);
  const [fault, state] = [make("p", { class: "fault", role: "alert" }), make("p", { class: "note", role: "status", id: "trial-state" })];
  const body = make("tbody");
  const heads = ["Rule", "Lines", "By which field, for example"].map((title) => make("th", { scope: "col" }, title));
  const table = make("table", { id: "trial" }, make("thead", {}, make("tr", {}, ...heads)), body);
  const scroll = make("div", { class: "scroll", role: "region", "aria-label": "What would be dropped", tabindex: "0" }, table);
  const element = make("section", {}, make("h2", {}, "What they would do"), form, fault, state, scroll);
  const view = { text, last, fault, state, scroll, body, asked: 0, timer: 0 };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(view);
  });
  last.addEventListener("change", () => run(view));
  return {
    element,
    /** Try once nothing has been written for a moment. */
    soon() {
      clearTimeout(view.timer);
      view.timer = setTimeout(() => run(view), PAUSE_MS);
    },
    close: () => clearTimeout(view.timer),
  };
}

async function run(view) {
  clearTimeout(view.timer);
  const asked = ++view.asked;
  try {
    const rules = view.text();
    JSON.parse(rules); // to say where it is none
    say(view.state, "Trying…");
    const answer = await tell("POST", "rules/dry-run", `{"rules": ${rules}, "topic": "${TOPIC}", "last": ${view.last.value}}`);
    if (asked === view.asked) show(view, answer);
  } catch (error) {
    if (asked !== view.asked) return;
    say(view.state, "");
    say(view.fault, faultOf(error));
    view.scroll.hidden = true; // what other rules would do is no answer to these
  }
}

function show(view, answer) {
  say(view.fault, "");
  view.scroll.hidden = false;
  const partly = answer.complete ? "" : " The time was up before the last line.";
  say(view.state, answer.lines ? `Of ${count(answer.lines)} lines ${count(answer.kept)} would be kept (${percent(answer.kept / answer.lines)}).${partly}` : `There are no lines in ${TOPIC}.`);
  const dropped = Object.entries(answer.dropped).map(([rule, lines]) => ({ key: `drop ${rule}`, name: rule, lines, fields: answer.matched[rule] ?? [], examples: answer.examples[rule] ?? [] }));
  const dead = Object.entries(answer.dead_lettered).map(([reason, lines]) => ({ key: `dead ${reason}`, name: `dead letter: ${reason}`, lines, fields: [], examples: [] }));
  const outputs = Object.entries(answer.outputs).map(([topic, lines]) => ({ key: `to ${topic}`, name: `to ${topic}`, lines, fields: [], examples: [] }));
  fill(view.body, [...dropped, ...dead, ...outputs], create, update);
}

function create() {
  return make("tr", {}, make("th", { scope: "row" }), make("td", { class: "number" }), make("td", { class: "text" }));
}

function update(element, { name, lines, fields, examples }) {
  say(element.cells[0], name);
  say(element.cells[1], count(lines));
  const shown = fields.map((matched, place) =>
    make("div", { title: oneLine(examples[place] ?? "") }, ...Object.entries(matched).flatMap(([field, value]) => [make("b", {}, field), ` ${value === null ? "is missing" : oneLine(value, 120)} `])),
  );
  const different = new Map(shown.toReversed().map((each) => [each.textContent, each])); // one by one the first of each
  element.cells[2].replaceChildren(...[...different.values()].toReversed());
}
