// Versions of rules: who wrote each, and when; to compare with, and to go back to.

import { make } from "./rows.js";
import { savesOf } from "./table.js";
import { count, instant } from "./words.js";

const TITLES = ["Version", "Written", "Author", "Bytes", "What to do"];

/** Make the table of versions; `compare(number)` and `goBack(number)` are told of what is chosen. */
export function versionsOf({ compare, goBack }) {
  const body = make("tbody", { role: "rowgroup" });
  const heads = TITLES.map((text) => make("th", { role: "columnheader", scope: "col" }, text));
  const caption = make("caption", {}, "The newest first; the first one is in use");
  const table = make("table", { id: "versions", role: "table", class: "blocks" }, caption, make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...heads)), body);
  const saves = savesOf("Versions");
  const scroll = make("div", { class: "scroll", role: "region", "aria-label": "Versions", tabindex: "0" }, table);
  const element = make("section", { class: "wide" }, make("h2", {}, "Versions"), scroll, make("p", { class: "foot" }, saves.element));
  return {
    element,
    show(versions, mayEdit, address) {
      saves.show(address);
      const first = { version: 0, at: null, author: "before the first version", reverts: null, bytes: null };
      const rows = versions.some(({ version }) => version === 1) || !versions.length ? [...versions, first] : versions;
      body.replaceChildren(...rows.map((row, place) => rowOf(row, place > 0 && mayEdit, { compare, goBack })));
    },
  };
}

function rowOf({ version, at, author, reverts, bytes }, mayGoBack, { compare, goBack }) {
  const written = at ? `${instant(at)} UTC` : "–";
  const by = `${author ?? "unknown"}${reverts === null ? "" : `, back to version ${reverts}`}`;
  const buttons = [buttonOf("Difference", `Difference to version ${version}`, () => compare(version))];
  if (mayGoBack) buttons.push(buttonOf("Go back", `Go back to version ${version}`, () => confirmed(version, goBack)));
  const cells = [written, by, bytes === null ? "–" : count(bytes), make("p", { class: "buttons" }, ...buttons)];
  return make("tr", { role: "row" },
    make("th", { role: "rowheader", scope: "row" }, count(version)),
    ...cells.map((cell, place) => make("td", { role: "cell", "data-label": TITLES[place + 1] }, cell)),
  );
}

function buttonOf(text, label, click) {
  const button = make("button", { type: "button", "aria-label": label }, text);
  button.addEventListener("click", click);
  return button;
}

function confirmed(version, goBack) {
  if (confirm(`Have all workers use version ${version} again? It is written as a new version.`)) goBack(version);
}
