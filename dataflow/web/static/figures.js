// Figures: single numbers, each with its name and what it is compared with.

import { fill, make, say } from "./rows.js";

/** Make a row of figures; show() takes {title, value, more} each, and `href` where one leads somewhere. */
export function figuresOf(label) {
  const element = make("dl", { class: "figures", "aria-label": label });
  return {
    element,
    show(figures) {
      fill(element, figures.map((figure) => ({ key: figure.title, ...figure })), create, update);
    },
  };
}

function create({ title, href }) {
  const name = href ? make("a", { href }, title) : title;
  return make("div", {}, make("dt", {}, name), make("dd", { class: "value" }), make("dd", { class: "more" }));
}

function update(element, { value, more = "", href }) {
  if (href) element.querySelector("a").href = href;
  say(element.children[1], value);
  element.children[1].classList.toggle("long", value.length > 12);
  say(element.children[2], more);
}

/** Make a bar of several parts with a legend: what a whole consists of. */
export function partsOf(label) {
  const [bar, legend] = [make("div", { class: "parts", role: "img", "aria-label": `${label}: asking` }), make("p", { class: "legend" })];
  return {
    element: make("div", { class: "whole" }, bar, legend),
    /** Show parts, {name, value, text, kind} each, of a whole that is said in words. */
    show(whole, parts) {
      const sum = parts.reduce((total, { value }) => total + value, 0);
      const words = `${whole} = ${parts.map(({ name, text }) => `${text} ${name}`).join(" + ")}`;
      bar.setAttribute("aria-label", `${label}: ${words}`);
      const rows = parts.map((part) => ({ key: part.kind, ...part }));
      fill(bar, rows, ({ kind }) => make("i", { "data-kind": kind }), (element, { value }) => {
        element.style.flexGrow = sum ? value / sum : 0;
        element.hidden = !value;
      });
      fill(legend, [{ key: "whole", text: `${whole} =` }, ...rows.map((row) => ({ ...row, text: `${row.text} ${row.name}` }))],
        ({ kind }) => make("span", kind ? { "data-kind": kind } : {}),
        (element, { text }) => say(element, text));
    },
  };
}
