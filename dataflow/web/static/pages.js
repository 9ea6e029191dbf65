// Pages: all of them, in the order of the navigation. A page is an entry here and a module:
//
//   export function open(root) → { addresses(), show(answers, errors), close?() }
//
// `open` builds the page into `root`. `addresses` returns what it follows by name, {streams: "streams"},
// for the place as it is (place.js); it is asked again after each change of the place. `show` is called
// with {name: answer} of what has come so far, and {name: error} of what is refused, once a second and
// whenever something has changed.
// `ranges` and `filters` say which of them (place.js) the page heeds, and so which of them it offers.

import { RANGES } from "./place.js";

const ALL_RANGES = Object.keys(RANGES);

export const PAGES = [
  { name: "overview", title: "Overview", load: () => import("./overview.js") },
  {
    name: "traffic",
    title: "Traffic",
    ranges: ALL_RANGES,
    filters: ["host", "status", "country", "endpoint", "client", "stream"],
    load: () => import("./traffic.js"),
  },
  { name: "stays", title: "Stays", ranges: ["90d", "30d"], load: () => import("./stays.js") },
  { name: "sources", title: "Sources", ranges: ALL_RANGES, load: () => import("./sources.js") },
  { name: "tables", title: "Tables", load: () => import("./counts.js") },
  { name: "events", title: "Events", load: () => import("./events.js") },
  { name: "rules", title: "Rules", load: () => import("./rules.js") },
  { name: "dead-letters", title: "Dead letters", load: () => import("./letters.js") },
  { name: "sinks", title: "Sinks", load: () => import("./sinks.js") },
  { name: "workers", title: "Workers", load: () => import("./workers.js") },
];
