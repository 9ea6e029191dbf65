"""Own inputs: reads files of one's own into the cluster of the demo, again and again as they grow."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dataflow.catalogue.declared import INGESTED
from dataflow.demo.play.stopwatch import Stopwatch
from dataflow.demo.play.watch import Watched
from dataflow.errors import DataflowError, Misconfigured, expected_one_of
from dataflow.inputs.files import files_at
from dataflow.inputs.input import S3_SCHEME, Input
from dataflow.inputs.pipes import is_pipe
from dataflow.inputs.places import check_places
from dataflow.inputs.run import IngestReport, Run
from dataflow.settings import Settings

AGAIN_SECONDS = 5.0
SHOWN_FAULTS = 3
_REQUESTS = ("requests_per_endpoint", "requests_per_status", "top_clients")
_SHOWN = {
    "access-logs": Watched(("access-logs",), _REQUESTS, "?page=traffic&last=24h"),
    "cdn-logs": Watched(("cdn-logs",), _REQUESTS, "?page=traffic&last=24h"),
    "web-events": Watched(
        ("raw-web-events",), ("views_per_source_category", "views_per_page"), "?page=sources&last=24h"
    ),
    "bookings": Watched(("expedia",), ("stays_per_category",), "?page=stays"),
}


def check_inputs(stream: str, places: Sequence[str]) -> None:
    """Raise `Misconfigured` where a stream or a place cannot be read, before anything is started."""
    if stream not in INGESTED:
        raise Misconfigured(f"--as is '{stream}'; {expected_one_of(sorted(INGESTED), stream)}")
    check_places(places)
    for place in places:
        if not place.startswith(S3_SCHEME) and not is_pipe(place):
            faults = []
            for source in files_at(place):
                if isinstance(source, Input):
                    break
                faults.append(str(source))  # a link to nowhere, say, which hides none of the others
            else:
                raise Misconfigured("\n".join(faults[:SHOWN_FAULTS]) or _nothing_at(place))


def _nothing_at(place: str) -> str:
    return f"PATH is '{place}'; expected a folder with a file in it"


def oldest_first(places: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the places, with the files of folders and patterns in the order in which they were written.

    Rotated logs are in the order of their names otherwise, the newest first: what is older would come too
    late for its windows. Beside them, why other files of theirs cannot be read, such as a link to nowhere.
    """
    files: dict[str, float] = {}
    others: list[str] = []
    unreadable: list[str] = []
    for place in places:
        if place.startswith(S3_SCHEME) or is_pipe(place):
            others.append(place)
            continue
        for source in files_at(place):
            if not isinstance(source, Input):
                unreadable.append(str(source))
                continue
            with suppress(FileNotFoundError):  # rotated away meanwhile
                files[source.path] = Path(source.path).stat().st_mtime
    return sorted(files, key=files.__getitem__) + others, unreadable


@dataclass(frozen=True, slots=True)
class OwnInputs:
    """Files, folders, patterns and S3 prefixes of one's own, for one stream."""

    settings: Settings
    stream: str
    places: Sequence[str]

    @property
    def shown(self) -> Watched:
        """What is shown of the stream."""
        return _SHOWN.get(self.stream) or Watched((INGESTED[self.stream].topic,), ())

    async def read_on(self, say: Stopwatch) -> None:
        """Read the inputs, then what is added to them; raise `DataflowError` if nothing can be read."""
        report, unreadable = await self._read()
        _say_read(report, say)
        for text in unreadable[:SHOWN_FAULTS]:
            say(text)
        if report.failed and not report.lines:
            raise DataflowError("\n".join(report.failed[:SHOWN_FAULTS]))
        while not any(is_pipe(place) for place in self.places):  # a pipe can be read only once
            await asyncio.sleep(AGAIN_SECONDS)
            again, _ = await self._read()
            if again.lines:
                _say_read(again, say)

    async def _read(self) -> tuple[IngestReport, list[str]]:
        places, unreadable = await asyncio.to_thread(oldest_first, self.places)
        return await Run(self.settings, self.stream, places).ingest(), unreadable


def _say_read(report: IngestReport, say: Stopwatch) -> None:
    say(
        f"Read {report.lines:,} lines of {report.inputs_read:,} files: "
        f"{report.accepted:,} accepted, {report.dead_lettered:,} dead letters."
    )
    for text in report.failed[:SHOWN_FAULTS]:
        say(text)
