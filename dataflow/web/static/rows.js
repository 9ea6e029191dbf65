// Rows: what a table body is to hold in, the fewest changes of the page that show it out.

/** Make an element with a text or children. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

/** Set a text only where it differs, so that readers and selections are left alone. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Fill a body with rows of {key, cells}. Rows that stay are changed in place: what has the
 * focus keeps it.
 */
export function fill(body, rows, create, update) {
  const known = new Map([...body.children].map((row) => [row.dataset.key, row]));
  rows.forEach((row, place) => {
    let element = known.get(row.key);
    if (!element) {
      element = create(row);
      element.dataset.key = row.key;
    }
    known.delete(row.key);
    update(element, row);
    if (body.children[place] !== element) body.insertBefore(element, body.children[place] ?? null);
  });
  for (const gone of known.values()) gone.remove();
}

/** Offer these choices, [value, text] each, and keep what is chosen where it still exists. */
export function offer(select, choices, preferred = choices[0]?.[0]) {
  const offered = [...select.options].map((option) => option.value).join("\n");
  if (offered === choices.map(([value]) => value).join("\n")) return;
  const before = select.value;
  select.replaceChildren(...choices.map(([value, text]) => make("option", { value }, text)));
  select.value = choices.some(([value]) => value === before) ? before : preferred;
}
