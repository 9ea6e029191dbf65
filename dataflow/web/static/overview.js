// Overview: what comes in, where it ends, how far behind it is, and what needs attention.

import { make } from "./rows.js";
import { StreamRates, showReasons, streamTable } from "./streams.js";

export function open(root) {
  const rates = new StreamRates();
  const table = streamTable();
  const reasons = make("dl", { id: "reasons" });
  root.append(make("section", {}, make("h2", {}, "Streams"), table.element, reasons));
  return {
    addresses: () => ({}),
    show({ streams }) {
      if (!streams) return;
      table.show(streams, rates.of(streams));
      showReasons(reasons, streams.details);
    },
  };
}
