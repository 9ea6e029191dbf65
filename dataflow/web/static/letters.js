// Dead letters: which there are and why, all of one, and the way back of those that are meant.

import { addressWith, go, parameter } from "./place.js";
import { letterOf } from "./letter.js";
import { make, say } from "./rows.js";
import { replayOf } from "./replay.js";
import { tableOf } from "./table.js";
import { bytes, instant, leaderless } from "./words.js";

const FIELDS = { topic: "Came from topic", stage: "Stage", reason: "Reason" };
const MOST = 500;
const PLACE = /^[0-9]+\/[0-9]+$/;

const placeOf = ({ partition, offset }) => `${partition}/${offset}`;

const COLUMNS = [
  { name: "place", title: "Place", value: placeOf },
  { name: "at", title: "Since, UTC", value: ({ at }) => at, text: instant, kind: "time" },
  { name: "topic", title: "Topic", value: ({ topic }) => topic, isNumber: false },
  { name: "stage", title: "Stage", value: ({ stage }) => stage, isNumber: false },
  { name: "reason", title: "Reason", value: ({ reason }) => reason, isNumber: false },
  { name: "detail", title: "Detail", value: ({ detail }) => detail, kind: "long" },
  { name: "tries", title: "Tries", value: ({ tries }) => tries },
  { name: "replayed", title: "Sent back", value: ({ replayed }) => replayed, text: (replayed) => (replayed ? "yes" : "no"), isNumber: false },
  { name: "bytes", title: "Size", value: (row) => row.bytes, text: bytes },
];

/** Return the conditions of the address, by their field. */
function conditions() {
  return Object.fromEntries(Object.keys(FIELDS).flatMap((name) => {
    const value = parameter(`letter.${name}`);
    return value === null ? [] : [[name, value]];
  }));
}

const chosenPlace = () => (PLACE.test(parameter("letter") ?? "") ? parameter("letter") : null);

export function open(root) {
  const form = formOf();
  const table = tableOf({
    name: "letters",
    caption: "The newest dead letters",
    columns: COLUMNS,
    order: "-at",
    most: 25,
    hrefOf: (row) => addressWith({ letter: placeOf(row) }),
  });
  const refusal = make("p", { class: "fault", role: "alert" });
  const replay = replayOf(conditions);
  const one = letterOf();
  root.append(
    make("section", { class: "wide" }, make("h2", {}, "Dead letters"), form, refusal, table.element, replay.element),
    one.element,
  );
  return {
    addresses() {
      showConditions(form);
      const query = new URLSearchParams({ ...conditions(), limit: MOST });
      const place = chosenPlace();
      one.choose(place);
      return { letters: `dead-letters?${query}`, ...(place ? { letter: `dead-letters/${place}` } : {}) };
    },
    show({ letters, letter }, errors) {
      say(refusal, errors.letters ? `No answer: ${errors.letters}.` : "");
      if (letters) {
        const rows = letters.dead_letters.map((row) => ({ ...row, key: placeOf(row) }));
        const note = letters.complete ? "" : lackOf(letters);
        table.show(rows, { json: `dead-letters?${new URLSearchParams({ ...conditions(), limit: MOST })}`, note });
      }
      one.show(letter, errors.letter);
    },
  };
}

/** Say what a list lacks. */
function lackOf({ leaderless_partitions: away }) {
  if (away.length) return leaderless(away);
  return "There may be older ones: narrow the conditions to see them.";
}

function formOf() {
  const fields = Object.entries(FIELDS).map(([name, label]) =>
    make("label", {}, label, make("input", { name, autocomplete: "off", spellcheck: "false" })),
  );
  const form = make("form", { "aria-label": "Which dead letters" }, ...fields, make("button", {}, "Show"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = Object.keys(FIELDS).map((name) => [`letter.${name}`, form.elements[name].value.trim() || null]);
    go({ ...Object.fromEntries(wanted), letter: null });
  });
  return form;
}

function showConditions(form) {
  const set = conditions();
  for (const name of Object.keys(FIELDS)) {
    if (form.elements[name] !== document.activeElement) form.elements[name].value = set[name] ?? "";
  }
}
