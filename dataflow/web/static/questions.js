// Questions: filters in, the table that answers for them out, and nothing where none can: no number is of something else.

import { FILTERS } from "./place.js";
import { listed } from "./words.js";

export const OTHER = "(other)"; // the keys that a full window holds no longer apart

/** The tables that count by one field. */
const BY_FIELD = {
  endpoint: "requests_per_endpoint",
  status: "requests_per_status",
  country: "requests_per_country",
  client: "top_clients",
};

/** The table whose keys have several fields, in this order; a value with spaces has to come last. */
const TOGETHER = "requests_per_site";
const PARTS = ["status", "country", "host"];

const fieldsOf = (set) => Object.keys(FILTERS).filter((name) => name in set && name !== "stream");
const areParts = (fields) => fields.every((name) => PARTS.includes(name));
const whereOf = (set) => PARTS.filter((name) => name in set).map((name) => `${name}=${set[name]}`).join(" ");

/** Return what is asked for requests with these filters, {table, key, where} and the fields; null where no table knows. */
export function questionOf(set) {
  const fields = fieldsOf(set);
  const [field] = fields;
  if (!fields.length) return { fields, table: BY_FIELD.status };
  if (fields.length === 1 && field in BY_FIELD) return { fields, table: BY_FIELD[field], key: set[field] };
  return areParts(fields) ? { fields, table: TOGETHER, where: whereOf(set) } : null;
}

/** Return what is asked for one more value of a field with these filters; null where no table knows. */
export function questionWith(set, field, value) {
  const fields = fieldsOf(set).filter((name) => name !== field);
  return fields.length && !areParts([...fields, field]) ? null : questionOf({ ...set, [field]: value });
}

/** Return what is asked for requests by a field with these filters; null where no table knows. */
export function rankingQuestion(set, field) {
  const others = fieldsOf(set).filter((name) => name !== field);
  if (!others.length && field in BY_FIELD) return { table: BY_FIELD[field] };
  if (!areParts([...fieldsOf(set), field])) return null;
  return { table: TOGETHER, keys: field, where: whereOf(set) || undefined };
}

/** Return what is asked for all requests by a field. */
export const wholeQuestion = (field) => rankingQuestion({}, field) ?? { table: `requests_per_${field}` };

/** Say which filters no table counts together. */
export function lackOf(set) {
  const names = fieldsOf(set).map((name) => FILTERS[name].toLowerCase());
  return `No table counts requests by ${listed(names)} together, so there is no number to show. Remove a filter: status, country and host go together.`;
}
