// Rules: those in use, to be edited, tried while they are edited, put, and taken back to an earlier version.

import { ask } from "./ask.js";
import { aroundChanges, linesOf } from "./diff.js";
import { go, parameter } from "./place.js";
import { fill, make, say } from "./rows.js";
import { may } from "./session.js";
import { faultOf, read, tell } from "./tell.js";
import { inLines, visible } from "./texts.js";
import { tryingOf } from "./rules_trial.js";
import { versionsOf } from "./rules_versions.js";

const AGAIN_MS = 2000;

const DOCUMENTS = {
  rules: { title: "Filter rules of the CDN", inUse: "filter_rules" },
  "utm-sources": { title: "UTM sources", inUse: "utm_sources" },
};

export function open(root) {
  const view = { path: null, etag: null, text: "", ...partsOf(root) };
  const trial = tryingOf(() => view.editor.value);
  const versions = versionsOf({ compare: (number) => compare(view, number), goBack: (number) => goBack(view, number) });
  Object.assign(view, { trial, versions });
  root.append(trial.element, versions.element, view.difference);
  view.document.addEventListener("change", () => go({ document: view.document.value }));
  view.editor.addEventListener("input", () => edited(view));
  view.undo.addEventListener("click", () => edit(view, view.text));
  view.form.addEventListener("submit", (event) => {
    event.preventDefault();
    put(view);
  });
  return {
    addresses: () => ({}),
    show({ versions: inUse }) {
      const path = parameter("document") in DOCUMENTS ? parameter("document") : "rules";
      const newest = Math.max(...Object.values(inUse?.[DOCUMENTS[path].inUse] ?? {}));
      if (path !== view.path) load(view, path, newest);
      else if (newest > view.newest) changed(view, newest);
    },
    close() {
      clearTimeout(view.timer);
      trial.close();
    },
  };
}

function partsOf(root) {
  const options = Object.entries(DOCUMENTS).map(([value, { title }]) => make("option", { value }, title));
  const document = make("select", { name: "document" }, ...options);
  const editor = make("textarea", { name: "rules", rows: "22", spellcheck: "false", autocomplete: "off", "aria-describedby": "rules-state" });
  const state = make("p", { id: "rules-state", class: "note", role: "status" });
  const fault = make("p", { class: "fault", role: "alert" });
  const save = make("button", {}, "Use these rules");
  const undo = make("button", { type: "button" }, "Undo my changes");
  const form = make("form", { id: "rules-form", class: "stacked" }, make("label", {}, "Document", document), make("label", {}, "JSON", editor), state, fault, make("p", { class: "buttons" }, save, undo));
  const difference = make("section", { class: "wide", id: "difference", hidden: "" }, make("h2", { tabindex: "-1" }), make("pre", { tabindex: "0", role: "region", "aria-label": "Difference" }));
  root.append(make("section", {}, make("h2", {}, "Rules"), form));
  return { document, editor, state, fault, save, undo, form, difference };
}

/** Show a document as it is in use. */
async function load(view, path, newest) {
  Object.assign(view, { path, newest });
  view.document.value = path;
  view.difference.hidden = true;
  view.editor.disabled = view.save.disabled = view.undo.disabled = true; // what is written now would be lost
  clearTimeout(view.timer);
  const isRead = await attempt(view, async () => {
    const [{ text, etag }, mayEdit] = await Promise.all([read(path), may("edit")]);
    if (path !== view.path) return;
    Object.assign(view, { text: legible(text), etag, mayEdit });
    view.editor.readOnly = !mayEdit;
    view.trial.element.hidden = path !== "rules" || !mayEdit;
    view.editor.disabled = false;
    edit(view, view.text);
  });
  if (path !== view.path) return;
  if (isRead) await attempt(view, () => showVersions(view));
  else view.timer = setTimeout(() => load(view, path, newest), AGAIN_MS);
}

/** Lay out what somebody has written in one line; else it is theirs. */
const legible = (text) => (text.trim().includes("\n") ? text : inLines(text));

function edit(view, text) {
  view.editor.value = text;
  edited(view);
}

function edited(view) {
  const isChanged = view.editor.value !== view.text;
  view.save.disabled = view.undo.disabled = !isChanged;
  say(view.fault, "");
  const version = `Version ${versionOf(view)} is in use`;
  const more = view.mayEdit ? "" : " To try and to change rules needs the role edit.";
  say(view.state, isChanged ? `${version}; this is your change of it, which nobody uses yet.` : `${version}.${more}`);
  if (view.path === "rules" && view.mayEdit) view.trial.soon();
}

const versionOf = (view) => Number(view.etag.replaceAll('"', ""));

/** Somebody has put another version: show it, unless that would take away what is being written. */
function changed(view, newest) {
  view.newest = newest;
  if (!view.etag || newest <= versionOf(view)) return;
  if (view.editor.value === view.text) load(view, view.path, newest);
  else {
    say(view.fault, `Version ${newest} is in use meanwhile: yours changes an older one and would be refused. Compare, undo your changes and make them anew.`);
    showVersions(view).catch(() => {});
  }
}

async function put(view) {
  await attempt(view, async () => {
    JSON.parse(view.editor.value); // to say where it is none
    const { version } = await tell("PUT", view.path, view.editor.value, { "If-Match": view.etag });
    await load(view, view.path, version);
    say(view.state, `Version ${version} is in use.`);
  });
}

async function goBack(view, number) {
  await attempt(view, async () => {
    const { version } = await tell("POST", `${view.path}/versions/${number}/revert`, "{}", { "If-Match": view.etag });
    await load(view, view.path, version);
    say(view.state, `Version ${version} is in use: it has the content of version ${number}.`);
  });
}

/** Do something, or say why not; tell which. */
async function attempt(view, work) {
  try {
    say(view.fault, "");
    await work();
    return true;
  } catch (error) {
    say(view.fault, faultOf(error));
    return false;
  }
}

async function showVersions(view) {
  const { path } = view;
  const { versions } = await ask(`${path}/log`, { limit: 100 });
  if (path === view.path) view.versions.show(versions, view.mayEdit, `${path}/log?limit=100`);
}

/** Show what an earlier version has that the editor has not, and the other way round. */
async function compare(view, number) {
  await attempt(view, async () => {
    const { text } = await read(`${view.path}/versions/${number}`);
    const lines = aroundChanges(linesOf(legible(text), view.editor.value));
    view.difference.hidden = false;
    const [heading, place] = view.difference.children;
    say(heading, `From version ${number} to the text above`);
    const rows = lines.map((line, at) => ({ key: String(at), line }));
    place.replaceChildren();
    fill(place, rows, ({ line }) => lineOf(line), () => {});
    if (!rows.some(({ line }) => line && line[0] !== " ")) place.replaceChildren("They are the same.");
    heading.focus();
  });
}

const KINDS = { "-": "removed", "+": "added", " ": "same" };

function lineOf(line) {
  if (line === null) return make("span", { class: "same" }, "…\n");
  const [mark, text] = line;
  return make("span", { class: KINDS[mark] }, `${mark} ${visible(text)}\n`);
}
