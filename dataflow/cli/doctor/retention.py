"""Retention: whether a sink may lose records, which its topics delete before it has stored them."""

from collections.abc import AsyncIterator

from dataflow.cli.doctor.finding import Examined, Finding, error, ok, warning
from dataflow.cli.doctor.topics import retention_ms
from dataflow.sinks.configured import enabled_sinks
from dataflow.sinks.status import SinkState, sink_statuses

CHECK = "retention"
NEAR, AT_ONCE = 0.5, 0.9
"""Ratios of the retention that a sink is behind."""


async def retention(examined: Examined) -> AsyncIterator[Finding]:
    """Compare what each sink is behind with how long its topics keep records."""
    configured = {sink.name: sink.topics for sink in enabled_sinks(examined.settings)}
    sinks = await sink_statuses(examined.connection, examined.settings.app_id, configured)
    if not sinks:
        yield ok(CHECK, "no sink is set, and none has run")
        return
    names = {topic for sink in sinks for topic in sink.topics}
    asked = dict.fromkeys(await examined.admin.partition_counts(names), ("retention.ms", "cleanup.policy"))
    configs = await examined.admin.readable_configs(asked)
    for sink in sinks:
        kept = [ms for topic in sink.topics if (ms := retention_ms(configs.get(topic, {}))) is not None]
        yield _finding(sink, min(kept, default=None))


def _finding(sink: SinkState, kept_ms: int | None) -> Finding:
    lag_seconds = sink.lag.seconds or 0.0
    lag = f"{lag_seconds:,.0f} s behind ({sink.lag.records:,} records)"
    found = f"sink {sink.name} is {lag}, with {sink.workers} workers"
    if kept_ms is None or lag_seconds < kept_ms / 1000 * NEAR:
        return ok(CHECK, found)
    level = error if lag_seconds >= kept_ms / 1000 * AT_ONCE else warning
    return level(
        CHECK,
        found,
        f"less than {NEAR:.0%} of the {kept_ms / 1000:,.0f} s that its topics keep records",
        "`dataflow sinks status` shows its error; start more of its workers, or raise retention.ms",
    )
