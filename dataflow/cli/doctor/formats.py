"""Formats: whether the newest lines of access logs are of the format that is set, with times in its unit."""

from collections.abc import AsyncIterator

from dataflow.catalogue.streams.access_logs import ACCESS_LOGS
from dataflow.cli.doctor.finding import Examined, Finding, ok, warning
from dataflow.engine.stage import DroppedEvent
from dataflow.errors import InvalidEvent
from dataflow.kafka.consumers import reader
from dataflow.kafka.reading import read_last
from dataflow.stages.access_log import line_parser

CHECK = "formats"
NEWEST = 2_000
MANY = 0.1
SEE = "see `dataflow apply access-log --explain`, and set DATAFLOW_ACCESS_LOG_FORMAT (docs/access-logs.md)"


async def formats(examined: Examined) -> AsyncIterator[Finding]:
    """Read the newest lines."""
    tps = await examined.admin.partitions([ACCESS_LOGS.name])
    lines: list[bytes] = []
    if tps:
        async with reader(examined.connection) as consumer:
            async for _, records in read_last(consumer, tps, NEWEST):
                lines += [record.value for record in records if record.value]
    settings = examined.settings
    for finding in judge(lines, settings.access_log_format, settings.access_log_zone):
        yield finding


def judge(lines: list[bytes], log_format: str | None, zone: str | None) -> list[Finding]:
    """Return what is to be said of these lines."""
    if not lines:
        return [ok(CHECK, f"topic {ACCESS_LOGS.name} has no lines")]
    parser, dead, last = line_parser(log_format, zone), 0, ""
    for line in lines:
        try:
            parser.parse(line)
        except DroppedEvent:
            continue
        except InvalidEvent as fault:
            dead, last = dead + 1, fault.detail
    found = f"{dead:,} of the newest {len(lines):,} lines of access logs cannot be read"
    findings = [ok(CHECK, found)]
    if dead > MANY * len(lines):
        findings = [warning(CHECK, f"{found}, as: {last}", "lines of the format that is set", SEE)]
    if parser.fault is not None:
        what, _, expected = parser.fault.partition("; expected ")
        findings.append(warning(CHECK, what, expected, SEE))
    return findings
