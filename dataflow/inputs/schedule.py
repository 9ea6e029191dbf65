"""The schedule: runs the ingest of every stream, logs the results and counts them."""

import time
from collections.abc import Callable

from dataflow import metrics
from dataflow.errors import DataflowError
from dataflow.inputs.lease import LeaseHeld
from dataflow.inputs.run import IngestReport, Run
from dataflow.kafka.errors import KafkaError
from dataflow.logs import get_log
from dataflow.settings import Settings

log = get_log(__name__)

RUNS = metrics.counter("dataflow_ingest_runs_total")
LINES = metrics.counter("dataflow_ingest_lines_total")
UNREADABLE = metrics.counter("dataflow_ingest_unreadable_inputs_total")
LAST_COMPLETE = metrics.gauge("dataflow_ingest_last_complete_seconds")


async def ingest_scheduled(settings: Settings, should_stop: Callable[[], bool]) -> None:
    """Read what is new of every stream, one after another; errors are logged: the next run continues."""
    places_by_stream: dict[str, list[str]] = {}
    for wanted in settings.ingest_inputs:
        stream, _, place = wanted.partition("=")
        places_by_stream.setdefault(stream, []).append(place)
    for stream, places in places_by_stream.items():
        if not should_stop():
            await _ingest(Run(settings, stream, places, _counter(stream), should_stop))


async def _ingest(run: Run) -> None:
    try:
        report = await run.ingest()
    except LeaseHeld as error:
        RUNS.labels(run.stream, "lease_held").inc()
        log.info("Scheduled ingest is skipped; another run is in progress.", stream=run.stream, error=error)
    except (DataflowError, KafkaError, OSError) as error:
        RUNS.labels(run.stream, "failed").inc()
        log.warning("Scheduled ingest has failed; the next one continues it.", stream=run.stream, error=error)
    else:
        _record(report)


def _record(report: IngestReport) -> None:
    RUNS.labels(report.stream, "complete" if report.is_complete else "incomplete").inc()
    if report.is_complete:
        LAST_COMPLETE.labels(report.stream).set(time.time())
    log.info(
        "Scheduled ingest is done.",
        stream=report.stream, lines=report.lines, accepted=report.accepted,
        dead_lettered=report.dead_lettered, inputs_read=report.inputs_read,
        inputs_without_news=report.already_in, inputs_failed=len(report.failed), seconds=report.seconds,
    )  # fmt: skip
    UNREADABLE.labels(report.stream).inc(len(report.failed))
    for text in report.failed:
        log.warning("Input is not read.", stream=report.stream, error=text)


def _counter(stream: str) -> Callable[[IngestReport], None]:
    """Return a function that counts the lines of a run as they are stored."""
    accepted, dead = (LINES.labels(stream, outcome) for outcome in ("accepted", "dead_lettered"))
    before = [0, 0]

    def count(report: IngestReport) -> None:
        accepted.inc(report.accepted - before[0])
        dead.inc(report.dead_lettered - before[1])
        before[:] = report.accepted, report.dead_lettered

    return count
