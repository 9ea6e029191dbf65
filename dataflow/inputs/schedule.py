"""The schedule: settings in; a run for each stream, told in the log and counted, out."""

import logging
import time
from collections.abc import Callable

from aiokafka.errors import KafkaError

from dataflow.errors import DataflowError
from dataflow.inputs.run import Ingested, Run
from dataflow.inputs.run_metrics import LAST_COMPLETE, LINES, RUNS, UNREADABLE
from dataflow.inputs.turn import TurnOfAnother
from dataflow.settings import Settings

log = logging.getLogger(__name__)


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
        told = await run.ingest()
    except TurnOfAnother as error:
        RUNS.labels(run.stream, "turn_of_another").inc()
        log.info("Scheduled ingest is left to another: %s.", error)
    except (DataflowError, KafkaError, OSError) as error:
        RUNS.labels(run.stream, "failed").inc()
        log.warning("Scheduled ingest of %s has failed; the next one goes on: %s", run.stream, error)
    else:
        _tell(told)


def _tell(told: Ingested) -> None:
    RUNS.labels(told.stream, "complete" if told.is_complete else "incomplete").inc()
    if told.is_complete:
        LAST_COMPLETE.labels(told.stream).set(time.time())
    log.info(
        "Scheduled ingest of %s: %d lines of %d inputs in %.1f s, %d accepted, %d dead letters; "
        "%d inputs had nothing new, %d could not be read.",
        told.stream, told.lines, told.inputs_read, told.seconds, told.accepted, told.dead_lettered,
        told.already_in, len(told.failed),
    )  # fmt: skip
    UNREADABLE.labels(told.stream).inc(len(told.failed))
    for text in told.failed:
        log.warning("Input is not read: %s", text)


def _counter(stream: str) -> Callable[[Ingested], None]:
    """Return what counts the lines of a run as they are stored."""
    accepted, dead = (LINES.labels(stream, outcome) for outcome in ("accepted", "dead_lettered"))
    before = [0, 0]

    def count(told: Ingested) -> None:
        accepted.inc(told.accepted - before[0])
        dead.inc(told.dead_lettered - before[1])
        before[:] = told.accepted, told.dead_lettered

    return count
