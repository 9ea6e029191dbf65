// Stays: bookings by how long the guest means to stay, over the days on which they were made.

import { sharesOf } from "./shares.js";

export function open(root) {
  return sharesOf(root, {
    title: "Stays",
    noun: "bookings",
    table: "stays_per_category",
    key: "stay category",
    distinct: ["distinct_hotels", "hotels"],
    ranges: ["90d", "30d"],
  });
}
