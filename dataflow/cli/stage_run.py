"""Stage run: applies a stage to lines, and counts what became of them."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

import orjson

from dataflow.cli.terminal import Results
from dataflow.errors import InvalidEvent
from dataflow.stages.lines import LineStage

NAMES = ("received", "sent", "dropped", "dead_lettered")
MOST_FAULTS = 3


@dataclass(slots=True)
class LineCounts:
    """What became of the events; the last three always sum up to the first."""

    received: int = 0
    sent: int = 0
    dropped: int = 0
    dead_lettered: int = 0
    first_faults: list[str] = field(default_factory=list)
    """The first reasons of dead letters; not part of the counts."""

    def add_dead_letter(self, line: int, fault: InvalidEvent) -> None:
        """Count a dead letter, and keep its reason if it is one of the first."""
        self.received += 1
        self.dead_lettered += 1
        if len(self.first_faults) < MOST_FAULTS:
            self.first_faults.append(f"line {line}: {fault}")

    def as_json(self) -> str:
        """Return them as JSON."""
        counts = (self.received, self.sent, self.dropped, self.dead_lettered)
        return orjson.dumps(dict(zip(NAMES, counts, strict=True))).decode()

    def __str__(self) -> str:
        return (
            f"{self.received:,} received = {self.sent:,} sent + {self.dropped:,} dropped"
            f" + {self.dead_lettered:,} dead-lettered"
        )


def run_stage(
    name: str,
    stage: LineStage,
    lines: Iterable[bytes],
    results: Results,
    dead_letters: BinaryIO | None,
    counts: LineCounts,
) -> None:
    """Write the results of every line, in order; an empty line is an empty event.

    `counts` are correct at any time, also after an error.
    """
    for number, raw in enumerate(lines, 1):
        try:
            of_line = stage(raw)
        except InvalidEvent as fault:
            if dead_letters is not None:
                letter = {"stage": name, "reason": fault.reason, "detail": fault.detail, "line": number}
                letter["raw_base64"] = base64.b64encode(raw).decode()
                dead_letters.write(orjson.dumps(letter) + b"\n")
            counts.add_dead_letter(number, fault)
            continue
        results.writelines(result + b"\n" for result in of_line)
        counts.received += 1
        if of_line:
            counts.sent += 1
        else:
            counts.dropped += 1
