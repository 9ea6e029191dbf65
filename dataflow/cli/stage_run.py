"""Stage run: applies a stage to lines, and counts what became of them."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

import orjson

from dataflow.errors import InvalidEvent
from dataflow.stages.lines import LineStage


@dataclass(slots=True)
class LineCounts:
    """What became of the events; the last three always sum up to the first."""

    received: int = 0
    sent: int = 0
    dropped: int = 0
    dead_lettered: int = 0

    def as_json(self) -> str:
        """Return them as JSON."""
        return orjson.dumps(self).decode()

    def __str__(self) -> str:
        return (
            f"{self.received:,} received = {self.sent:,} sent + {self.dropped:,} dropped"
            f" + {self.dead_lettered:,} dead-lettered"
        )


@dataclass(slots=True)
class StageRun:
    """One run of a stage over lines; `counts` are correct at any time, also after an error."""

    name: str
    stage: LineStage
    results: BinaryIO
    dead_letters: BinaryIO | None
    counts: LineCounts

    def run(self, lines: Iterable[bytes]) -> None:
        """Write the results of every line, in order; an empty line is an empty event."""
        for number, raw in enumerate(lines, 1):
            try:
                results = self.stage(raw)
            except InvalidEvent as fault:
                self._dead_letter(number, raw, fault)
                continue
            for result in results:
                self.results.write(result + b"\n")
            self.counts.received += 1
            if results:
                self.counts.sent += 1
            else:
                self.counts.dropped += 1

    def _dead_letter(self, number: int, raw: bytes, fault: InvalidEvent) -> None:
        if self.dead_letters is not None:
            letter = {
                "stage": self.name,
                "reason": fault.reason,
                "detail": fault.detail,
                "line": number,
                "raw_base64": base64.b64encode(raw).decode(),
            }
            self.dead_letters.write(orjson.dumps(letter) + b"\n")
        self.counts.received += 1
        self.counts.dead_lettered += 1
