// Place: the page, its range of time and its filters, as they stand in the address.

/** What can be filtered by, and what people call it. */
export const FILTERS = {
  stream: "Stream",
  host: "Host",
  endpoint: "Endpoint",
  status: "Status",
  country: "Country",
  client: "Client",
};

/** Ranges that end with the newest event: their windows, and how many of them. */
export const RANGES = {
  "1h": { title: "Last hour", window: "minute", newest: 60 },
  "6h": { title: "Last 6 hours", window: "minute", newest: 360 },
  "24h": { title: "Last 24 hours", window: "hour", newest: 24 },
  "7d": { title: "Last 7 days", window: "hour", newest: 168 },
  "30d": { title: "Last 30 days", window: "day", newest: 30 },
  "90d": { title: "Last 90 days", window: "day", newest: 90 },
};

const KEPT = ["last", "from", "to", ...Object.keys(FILTERS)];

const parameters = () => new URLSearchParams(location.search);

/** Return a parameter of the page; null where it is not set. */
export const parameter = (name) => parameters().get(name);

export const pageName = () => parameter("page") ?? "overview";

/** Return the filters that are set, by their field. */
export function filters() {
  return Object.fromEntries(Object.keys(FILTERS).flatMap((name) => {
    const value = parameter(name);
    return value === null ? [] : [[name, value]];
  }));
}

/**
 * Return the range: {from, to, window} of instants, or one of those `offered` of RANGES with its `last`. What is no
 * range, because an instant cannot be read or the end is not after the beginning, is as if it were not there.
 */
export function range(offered = Object.keys(RANGES)) {
  const [begin, end] = [Date.parse(parameter("from")), Date.parse(parameter("to"))];
  if (begin < end) {
    const [from, to] = [begin, end].map((ms) => new Date(ms).toISOString());
    const [fitting, windows] = [windowFor(end - begin), offered.map((name) => RANGES[name].window)];
    return { from, to, window: windows.includes(fitting) ? fitting : windows[0] };
  }
  const last = offered.includes(parameter("last")) ? parameter("last") : offered[0];
  return { last, ...RANGES[last] };
}

const HOUR_MS = 3_600_000;

function windowFor(lengthMs) {
  if (lengthMs <= 6 * HOUR_MS) return "minute";
  return lengthMs <= 7 * 24 * HOUR_MS ? "hour" : "day";
}

/** Return the address of this place with some parameters changed; null takes one away. */
export function addressWith(changes) {
  const changed = parameters();
  if ("page" in changes && changes.page !== pageName()) {
    for (const name of [...changed.keys()].filter((each) => !KEPT.includes(each))) changed.delete(name);
  }
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") changed.delete(name);
    else changed.set(name, value);
  }
  return `?${changed}`;
}

/** Go to this place with some parameters changed. */
export function go(changes, { isStep = true } = {}) {
  goTo(addressWith(changes), isStep);
}

export function goTo(address, isStep = true) {
  if (address === location.search) return;
  history[isStep ? "pushState" : "replaceState"](null, "", address);
  dispatchEvent(new Event("place"));
}
