// Letter: one dead letter, why it is one, where it came from, and its exact bytes.

import { make, say } from "./rows.js";
import { replayOf } from "./replay.js";
import { bytesOf, hexOf, visible } from "./texts.js";
import { bytes, count } from "./words.js";

/** Make the section of one letter; it is shown once one is chosen. */
export function letterOf() {
  const heading = make("h2", { tabindex: "-1" });
  const facts = make("dl", { class: "facts" });
  const asking = make("p", { class: "note" }, "Asking…");
  const [text, hex] = ["Value as text", "Value as bytes"].map((label) => make("pre", { tabindex: "0", role: "region", "aria-label": label }));
  const fault = make("p", { class: "fault", role: "alert" });
  let place = null;
  let shown = null;
  const replay = replayOf(() => ({ places: [place.split("/").map(Number)] }), "this one");
  const parts = [heading, fault, asking, facts, make("h3", {}, "Value"), text, make("h3", {}, "Its bytes"), hex, replay.element];
  const element = make("section", { class: "wide", id: "letter", hidden: "" }, ...parts);
  return {
    element,
    choose(chosen) {
      if (chosen === place) return;
      place = chosen;
      shown = null;
      element.hidden = chosen === null;
      say(heading, `Dead letter ${chosen}`);
      replay.reset();
      facts.replaceChildren();
      asking.hidden = false;
      text.replaceChildren();
      hex.replaceChildren();
    },
    show(letter, refusal) {
      say(fault, refusal ? `No answer: ${refusal}.` : "");
      asking.hidden = Boolean(letter ?? refusal);
      const version = JSON.stringify(letter);
      if (!letter || version === shown) return;
      const isFirst = shown === null;
      shown = version;
      facts.replaceChildren(...factsOf(letter).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
      say(text, letter.value_text === null ? "(no value)" : visible(letter.value_text));
      say(hex, letter.value_base64 === null ? "" : hexOf(bytesOf(letter.value_base64)));
      if (isFirst) heading.focus();
    },
  };
}

function factsOf(letter) {
  const { origin } = letter;
  const from = origin.partition === null ? ", from a sender" : `, partition ${origin.partition}, offset ${count(origin.offset ?? 0)}`;
  return [
    ["Why", `${visible(letter.reason)}: ${visible(letter.detail)}`],
    ["Where it failed", `stage ${visible(letter.stage)}`],
    ["Came from", `topic ${visible(letter.topic || "(unknown)")}${from}`],
    ["Its own time", origin.timestamp ?? "none"],
    ["Dead since", letter.at ?? "unknown"],
    ["Sent back", letter.replayed ? "yes, so it is not sent again" : letter.tries ? `${count(letter.tries)} times before it failed again` : "never"],
    ["Key", letter.key_base64 === null ? "none" : visible(new TextDecoder().decode(bytesOf(letter.key_base64)))],
    ["Size", bytes(letter.bytes)],
    ...letter.headers.map(([name, value]) => [`Header ${visible(name)}`, value === null ? "none" : visible(value)]),
  ];
}
