// Sources: page views by the marketing that brought them, over time, and the pages that were seen.

import { addressWith } from "./place.js";
import { make } from "./rows.js";
import { rankingAddress, rankingOf } from "./series.js";
import { sharesOf } from "./shares.js";
import { tableOf } from "./table.js";

export function open(root) {
  const shares = sharesOf(root, {
    title: "Sources",
    noun: "page views",
    table: "views_per_source_category",
    key: "source",
    distinct: ["distinct_users", "users"],
  });
  const pages = tableOf({
    name: "pages",
    caption: "Pages in the range",
    columns: [
      { name: "key", title: "page", value: (row) => row.key },
      { name: "count", title: "views", value: (row) => row.count },
      { name: "distinct_users", title: "users", value: (row) => row.distinct_users },
    ],
    order: "-count",
    hrefOf: ({ key }) => addressWith({ page: "tables", table: "views_per_page", window: "minute", key }),
  });
  root.append(make("section", { class: "wide" }, make("h2", {}, "Pages"), pages.element));
  const address = () => rankingAddress("views_per_page");
  return {
    addresses: () => ({ ...shares.addresses(), pages: address() }),
    show(answers, errors) {
      shares.show(answers, errors);
      const { rows, total } = rankingOf(answers.pages);
      pages.show(rows, { total, json: answers.pages && address(), isComing: !answers.pages, refusal: errors.pages });
    },
  };
}
