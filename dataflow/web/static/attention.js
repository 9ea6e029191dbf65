// Attention: answers in, what somebody should look at out, the page that says more with it.

import { sumOf } from "./series.js";
import { count, instant, listed, percent, plural } from "./words.js";

const HOUR_SECONDS = 3600;
const LONG_LAG_SECONDS = 10;
const MANY_ERRORS = 0.05;

/** Return {text, page} of all that is not as it should be. */
export function attentionOf({ streams, sinks, requests }, curves) {
  return [...behindIn(streams), ...unusableIn(curves), ...failedIn(curves), ...lateIn(requests), ...troubleOf(sinks)];
}

function behindIn({ lag }) {
  return Object.entries(lag)
    .filter(([, { seconds }]) => seconds > LONG_LAG_SECONDS)
    .map(([stream, { records, seconds }]) => ({
      text: `${stream} is ${count(Math.ceil(seconds))} s behind: ${plural(records, "event")} to read.`,
      page: "workers",
    }));
}

/** Dead letters are counted at the time at which they became such. */
function unusableIn(curves) {
  const { inRange = [], newest = 0 } = curves["dead-letters"] ?? {};
  const dead = sumOf(inRange, "count");
  if (!dead || Date.now() / 1000 - newest > HOUR_SECONDS) return [];
  return [{ text: `${plural(dead, "event")} became dead letters within an hour.`, page: "dead-letters" }];
}

function failedIn(curves) {
  return Object.entries(curves).flatMap(([stream, { inRange }]) => {
    const [asked, failed] = [sumOf(inRange, "count"), sumOf(inRange, "errors")];
    if (!asked || failed / asked < MANY_ERRORS) return [];
    return [{ text: `${percent(failed / asked)} of the requests of ${stream} failed in its newest hour.`, page: "traffic" }];
  });
}

function lateIn(requests) {
  const { late = 0, future = 0, undated = 0 } = requests?.apart ?? {};
  const apart = [[late, "came too late"], [future, "are from the future"], [undated, "have no time"]].filter(([events]) => events);
  if (!apart.length) return [];
  return [{ text: `Some requests are in no window, and so in no curve: ${listed(apart.map(([events, why]) => `${count(events)} ${why}`))}.` }];
}

function troubleOf(answer) {
  return (answer?.sinks ?? []).flatMap(({ name, workers, retrying_since: since, last_error: error, leaderless_partitions: away }) => {
    if (since) return [{ text: `Sink ${name} has been trying again since ${instant(since)} UTC: ${error}.`, page: "sinks" }];
    if (!workers) return [{ text: `No worker runs the sink ${name}.`, page: "sinks" }];
    return away ? [{ text: `Sink ${name} reads ${plural(away, "partition")} without a leader: what is there is not counted.`, page: "sinks" }] : [];
  });
}
