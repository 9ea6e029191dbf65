// Controls: the range of time and the filters of the address, to be seen and to be changed.

import { FILTERS, RANGES, addressWith, filters, go, range } from "./place.js";
import { fill, make, offer, say } from "./rows.js";
import { visible } from "./texts.js";

const CUSTOM = "custom";

const form = document.querySelector("#place");
const { last, from, to, field, value } = form.elements;
const [bounds, fault] = ["#bounds", "#bounds-fault"].map((name) => form.querySelector(name));
let shown = ""; // the range that the controls say, as JSON

const instantOf = (text) => (text ? `${text}:00Z` : null);
const textOf = (instant) => instant.slice(0, 16);

/** Show the controls that a page heeds. */
export function showControls({ ranges = [], filters: offered = [] }) {
  const set = filters();
  form.hidden = !ranges.length && !offered.length;
  form.querySelector("#range").hidden = !ranges.length;
  if (ranges.length) showRange(ranges);
  else shown = "";
  form.querySelector("#filter").hidden = !offered.length;
  offer(field, offered.map((name) => [name, FILTERS[name]]));
  const rows = Object.entries(set).map(([name, text]) => ({ key: `${name} ${text}`, name, text }));
  fill(form.querySelector("#filters"), rows, chip, (element, row) => {
    element.classList.toggle("unheeded", !offered.includes(row.name));
    element.lastChild.href = addressWith({ [row.name]: null });
  });
}

function showRange(ranges) {
  const now = range(ranges);
  const asked = JSON.stringify([ranges, now]);
  if (asked === shown) return; // what is being typed stays
  shown = asked;
  offer(last, [...ranges.map((name) => [name, RANGES[name].title]), [CUSTOM, "From … to …"]]);
  last.value = now.last ?? CUSTOM;
  bounds.hidden = last.value !== CUSTOM;
  say(fault, "");
  if (now.from) [from.value, to.value] = [textOf(now.from), textOf(now.to)];
}

function chip({ name, text }) {
  const remove = make("a", { "aria-label": `Without ${FILTERS[name]} ${text}` }, "×");
  return make("li", {}, make("span", { class: "name" }, `${FILTERS[name]}: ${visible(text)}`), " ", remove);
}

function setBounds() {
  const isRange = from.value < to.value;
  say(fault, isRange ? "" : "The end has to be after the beginning.");
  if (isRange) go({ from: instantOf(from.value), to: instantOf(to.value), last: null });
}

form.addEventListener("change", ({ target }) => {
  if (target === last) bounds.hidden = last.value !== CUSTOM;
  if (target === last && last.value !== CUSTOM) go({ last: last.value, from: null, to: null });
  else if ((target === from || target === to) && from.value && to.value) setBounds();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (value.value) go({ [field.value]: value.value });
  value.value = "";
});
