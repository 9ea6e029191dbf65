// The page of the API: asks for the document, shows its operations by subject.

import { ask } from "./ask.js";
import { make } from "./rows.js";
import { fieldsOf, kindOf } from "./schema.js";
import { commandOf, formOf } from "./trying.js";

const anchorOf = (tag) => tag.toLowerCase().replaceAll(" ", "-");

/** Turn `words` into code. */
function prose(text) {
  return text.split("`").map((part, place) => (place % 2 ? make("code", {}, part) : part));
}

function tableOf(rows, ...titles) {
  const head = make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title)));
  const lines = rows.map(({ name, kind, meaning, depth = 0, isRequired }) => {
    const first = make("th", { scope: "row" }, make("span", isRequired ? { class: "required" } : {}, name));
    const line = make("tr", {}, first, make("td", {}, kind), make("td", {}, ...prose(meaning)));
    line.style.setProperty("--depth", depth);
    return line;
  });
  return make("table", { class: "fields" }, make("thead", {}, head), make("tbody", {}, ...lines));
}

function parametersOf(parameters, schemas) {
  const rows = parameters.map(({ name, in: place, schema, description, required }) => ({
    name,
    kind: `${place === "query" ? "" : `${place}, `}${kindOf(schema, schemas)}`,
    meaning: description,
    isRequired: required,
  }));
  return rows.length ? [make("h3", {}, "Parameters"), tableOf(rows, "Name", "Type", "Meaning")] : [];
}

function contentOf(content, schemas, title, isAnswer = false) {
  return Object.entries(content ?? {}).flatMap(([media, { schema }]) => {
    // Of an answer every field is there.
    const rows = fieldsOf(schema, schemas).map((row) => ({ ...row, isRequired: row.isRequired && !isAnswer }));
    const kind = rows.length ? "" : `: ${kindOf(schema, schemas)}`;
    const heading = make("h3", {}, `${title}, `, make("code", {}, media), kind);
    if (rows.length) return [heading, tableOf(rows, "Field", "Type", "Meaning")];
    return schema.description ? [heading, make("p", { class: "note" }, ...prose(schema.description))] : [heading];
  });
}

function answersOf(responses, schemas) {
  const good = Object.entries(responses).find(([status]) => status.startsWith("2"));
  const lines = Object.entries(responses).map(([status, { description }]) =>
    make("div", { class: "status" }, make("b", {}, status), make("span", {}, description)),
  );
  return [...contentOf(good[1].content, schemas, "Answer", true), make("h3", {}, "Statuses"), ...lines];
}

function operationOf(method, path, operation, schemas) {
  const details = make("details", { class: "operation", id: operation.operationId });
  details.append(
    make(
      "summary",
      {},
      make("span", { class: "method", "data-method": method }, method.toUpperCase()),
      make("code", { class: "path" }, path),
      make("span", { class: "summary" }, operation.summary),
    ),
  );
  details.addEventListener("toggle", () => fill(details, method, path, operation, schemas), { once: true });
  return details;
}

/** Fill in what an operation takes and answers, once it is opened. */
function fill(details, method, path, operation, schemas) {
  const parameters = operation.parameters ?? [];
  if (operation.description) details.append(make("p", {}, ...prose(operation.description)));
  if (operation.security) {
    details.append(make("p", { class: "note" }, "Password or token of the ingest, where one is set."));
  }
  details.append(make("h3", {}, "Try it"));
  details.append(...(method === "get" ? formOf(path, parameters) : [make("pre", { tabindex: "0" }, commandOf(method, path, operation))]));
  details.append(...parametersOf(parameters, schemas));
  details.append(...contentOf(operation.requestBody?.content, schemas, "Body"));
  details.append(...answersOf(operation.responses, schemas));
}

function show({ info, tags, paths, components: { schemas } }) {
  const about = info.description.split("\n\n").map((text) => make("p", {}, ...prose(text)));
  document.querySelector("#about").append(...about);
  for (const { name } of tags) {
    document.querySelector("#tags").append(make("a", { href: `#${anchorOf(name)}` }, name));
    const section = make("section", { id: anchorOf(name) }, make("h2", {}, name));
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.tags.includes(name)) section.append(operationOf(method, path, operation, schemas));
      }
    }
    document.querySelector("#resources").append(section);
  }
}

/** Open what the address names. */
function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named instanceof HTMLDetailsElement) named.open = true;
  named?.scrollIntoView();
}

try {
  show(await ask("openapi.json"));
  openNamed();
} catch {
  document.querySelector("#trouble").textContent = "This worker does not answer; load the page again.";
}
window.addEventListener("hashchange", openNamed);
