// Pages: all of them, in the order of the navigation. A page is an entry here and a module:
//
//   export function open(root) → { addresses(), show(answers), close?() }
//
// `open` builds the page into `root`. `addresses` returns what it follows by name, {streams: "streams"},
// for the place as it is (place.js); it is asked again after each change of the place. `show` is called
// with {name: answer} of what has come so far, whenever something has changed.
// `range` and `filters` say which of them the page heeds, and so which of them it offers.

export const PAGES = [
  { name: "overview", title: "Overview", load: () => import("./overview.js") },
  { name: "tables", title: "Tables", load: () => import("./counts.js") },
];
