// Trying: an operation in, a form that asks the worker and shows what it answers, or a command, out.

import { FROM_PAGE } from "./ask.js";
import { make } from "./rows.js";

const MOST_SHOWN = 20_000;

/** Make the form of a GET; what it asks for can be seen, and opened, as an address. */
export function formOf(path, parameters) {
  const shown = parameters.filter(({ in: place }) => place !== "header");
  const form = make("form", { class: "try" });
  for (const parameter of shown) form.append(make("label", {}, parameter.name, fieldOf(parameter)));
  form.append(make("button", {}, "Ask"));
  const answer = make("div", { "aria-live": "polite" });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(addressOf(path, shown, new FormData(form)), answer);
  });
  return [form, answer];
}

function fieldOf({ name, in: place, schema, example }) {
  if (schema.enum) {
    const empty = place === "path" ? [] : [make("option", { value: "" }, "–")];
    return make("select", { name }, ...empty, ...schema.enum.map((value) => make("option", {}, value)));
  }
  const field = make("input", { name, autocomplete: "off", spellcheck: "false" });
  if (place === "path") field.required = true;
  if (example !== undefined) field.value = example;
  return field;
}

function addressOf(path, parameters, values) {
  const query = new URLSearchParams();
  for (const { name, in: place } of parameters) {
    const value = values.get(name);
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value) query.set(name, value);
  }
  return `.${path}${query.size ? `?${query}` : ""}`;
}

async function show(address, place) {
  place.replaceChildren(make("p", { class: "note" }, "Asking…"));
  try {
    const response = await fetch(address, { headers: FROM_PAGE });
    const text = await textOf(response);
    place.replaceChildren(
      make("p", { class: "note" }, `${response.status} `, make("a", { href: address }, address.slice(1))),
      make("pre", { tabindex: "0" }, text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text),
    );
  } catch {
    place.replaceChildren(make("p", { class: "note" }, "This worker does not answer."));
  }
}

async function textOf(response) {
  const kind = response.headers.get("Content-Type") ?? "";
  if (kind.startsWith("application/json")) return JSON.stringify(await response.json(), null, 2);
  return kind.startsWith("text/") ? response.text() : `${(await response.blob()).size} bytes of ${kind}`;
}

/** Write the command that sends a request with a body. */
export function commandOf(method, path, operation) {
  const [media, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const filled = (operation.parameters ?? []).reduce(
    (text, { name, example }) => text.replace(`{${name}}`, example),
    path,
  );
  const lines = [`curl -X ${method.toUpperCase()} ${new URL(`.${filled}`, location.href)}`];
  for (const { name, in: place, required, example } of operation.parameters ?? []) {
    if (place === "header" && required) lines.push(`-H ${quoted(`${name}: ${example}`)}`);
  }
  if (media) lines.push(`-H ${quoted(`Content-Type: ${media}`)}`);
  if (content?.example !== undefined) {
    const { example } = content;
    lines.push(`-d ${quoted(typeof example === "string" ? example : JSON.stringify(example))}`);
  }
  return lines.join(" \\\n  ");
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
