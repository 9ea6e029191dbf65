"""The schedule: settings in; a run for each stream, told in the log and counted, out."""

import time
from collections.abc import Callable

from aiokafka.errors import KafkaError

from dataflow.errors import DataflowError
from dataflow.inputs.lease import LeaseHeld
from dataflow.inputs.run import IngestReport, Run
from dataflow.inputs.run_metrics import LAST_COMPLETE, LINES, RUNS, UNREADABLE
from dataflow.logs import get_log
from dataflow.settings import Settings

log = get_log(__name__)


def places_by_stream(settings: Settings) -> dict[str, list[str]]:
    """Return what is to be read, by stream."""
    places: dict[str, list[str]] = {}
    for wanted in settings.ingest_inputs:
        stream, _, place = wanted.partition("=")
        places.setdefault(stream, []).append(place)
    return places


async def ingest_scheduled(settings: Settings, should_stop: Callable[[], bool]) -> None:
    """Read what is new of every stream, one after another.

    Nothing that goes wrong is raised: it is logged, and the next time goes on.
    """
    for stream, places in places_by_stream(settings).items():
        if not should_stop():
            await _ingest(Run(settings, stream, places, _counter(stream), should_stop))


async def _ingest(run: Run) -> None:
    try:
        report = await run.ingest()
    except LeaseHeld as error:
        RUNS.labels(run.stream, "lease_held").inc()
        log.info("Scheduled ingest is skipped; another worker reads.", stream=run.stream, error=error)
    except (DataflowError, KafkaError, OSError) as error:
        RUNS.labels(run.stream, "failed").inc()
        log.warning("Scheduled ingest has failed; the next one continues.", stream=run.stream, error=error)
    else:
        _record(report)


def _record(report: IngestReport) -> None:
    RUNS.labels(report.stream, "complete" if report.is_complete else "incomplete").inc()
    if report.is_complete:
        LAST_COMPLETE.labels(report.stream).set(time.time())
    log.info(
        "Scheduled ingest has ended.",
        stream=report.stream, seconds=round(report.seconds, 1), lines=report.lines,
        accepted=report.accepted, dead_lettered=report.dead_lettered,
        inputs=report.inputs_read, inputs_unchanged=report.already_in, inputs_failed=len(report.failed),
    )  # fmt: skip
    UNREADABLE.labels(report.stream).inc(len(report.failed))
    for text in report.failed:
        log.warning("Input cannot be read.", reason=text)


def _counter(stream: str) -> Callable[[IngestReport], None]:
    """Return what counts the lines of a run as they are stored."""
    accepted, dead = (LINES.labels(stream, outcome) for outcome in ("accepted", "dead_lettered"))
    before = [0, 0]

    def count(report: IngestReport) -> None:
        accepted.inc(report.accepted - before[0])
        dead.inc(report.dead_lettered - before[1])
        before[:] = report.accepted, report.dead_lettered

    return count
