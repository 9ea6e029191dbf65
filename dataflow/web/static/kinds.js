// Kinds: requests by method, by what the cache did and by who asked, of one table that has all three in its key.

import { partsOf } from "./figures.js";
import { make } from "./rows.js";
import { count, percent } from "./words.js";

const UNKNOWN = "-";
const REST = "all others";
const COLORS = ["sent", "dropped", "dead", "fourth", "fifth"];
const QUESTIONS = [
  { title: "Cache", part: 1, first: "hit" },
  { title: "Asked by", part: 2, first: "person" },
  { title: "Method", part: 0, first: "GET" },
];

/** Make the bars; show() takes the rows of requests_per_kind, whose keys are as "GET hit person". */
export function kindsOf() {
  const bars = QUESTIONS.map((question) => ({ ...question, bar: partsOf(question.title) }));
  const element = make("div", { class: "kinds" }, ...bars.map(({ title, bar }) => make("div", {}, make("h3", {}, title), bar.element)));
  return {
    element,
    show(rows) {
      for (const { part, first, bar } of bars) {
        const sums = addedUp(rows, part);
        const whole = sums.reduce((sum, [, value]) => sum + value, 0);
        sums.sort(([one, left], [other, right]) => (other === first) - (one === first) || right - left);
        bar.show(`${count(whole)} requests`, withRest(sums, whole).map(([name, value], place) => ({
          name: `${name === UNKNOWN ? "not said" : name} (${percent(value / whole)})`,
          value,
          text: count(value),
          kind: COLORS[place],
        })));
      }
    },
  };
}

function addedUp(rows, part) {
  const sums = new Map();
  for (const { key, count: requests } of rows) {
    const name = key.split(" ")[part] ?? key;
    sums.set(name, (sums.get(name) ?? 0) + requests);
  }
  return [...sums];
}

/** Return as many parts as there are colors: what is beyond them is one of them, so that they add up to the whole. */
function withRest(sums, whole) {
  if (sums.length <= COLORS.length) return sums;
  const first = sums.slice(0, COLORS.length - 1);
  return [...first, [REST, whole - first.reduce((sum, [, value]) => sum + value, 0)]];
}

/** Return which share of the requests whose cache status is known were hits; null for none. */
export function hitShare(rows) {
  const sums = new Map(addedUp(rows, 1));
  const known = (sums.get("hit") ?? 0) + (sums.get("miss") ?? 0);
  return known ? (sums.get("hit") ?? 0) / known : null;
}
