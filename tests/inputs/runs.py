"""Runs without a broker: places in; the lines that they would store, one run after another, out."""

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from dataflow.catalogue.declared import INGESTED
from dataflow.inputs.files import file_at, files_at
from dataflow.inputs.input_checkpoints import InputCheckpoint, InputCheckpoints
from dataflow.inputs.input_matcher import InputMatcher
from dataflow.inputs.new_lines import LineRules, NewLines
from dataflow.inputs.transaction_chunk import ChunkBuilder, TransactionChunk

MOST_BYTES = 1_000_000


class Runs:
    """Runs of one stream, with what they have committed."""

    def __init__(self, stream: str = "access-logs", **rules: Any) -> None:
        self.lines: list[bytes] = []
        self.dead: list[bytes] = []
        self.checkpoints: dict[bytes, InputCheckpoint] = {}
        self._rules = replace(LineRules(INGESTED[stream], MOST_BYTES, 2 * MOST_BYTES), **rules)

    def run(self, *places: Path | str, most_loads: int | None = None) -> TransactionChunk:
        """Run once, or until it dies behind so many transactions; return all of its loads together."""
        checkpoints = InputCheckpoints()
        for key, checkpoint in self.checkpoints.items():
            checkpoints.put(key, checkpoint)
        matcher = InputMatcher(checkpoints, file_at, may_be_records=self._rules.stream.is_json)
        found = [source for place in places for source in files_at(str(place))]
        told = TransactionChunk()
        for number, chunk in enumerate(
            ChunkBuilder(NewLines(self._rules, matcher), checkpoints).chunks(found)
        ):
            if number == most_loads:
                break
            self._commit(chunk)
            for name in ("lines", "inputs_read", "already_in", "unfinished", "failed"):
                setattr(told, name, getattr(told, name) + getattr(chunk, name))
        return told

    def _commit(self, chunk: TransactionChunk) -> None:
        assert chunk.lines == len(chunk.records.good) + len(chunk.records.dead)
        self.lines += values(chunk.records.good)
        self.dead += values(chunk.records.dead)
        self.checkpoints |= chunk.checkpoints


def values(records: Iterable[tuple[int, bytes | None, bytes | None, object]]) -> list[bytes]:
    """Return the values of records."""
    return [value for _, _, value, _ in records if value is not None]


class WrittenLog:
    """A log that somebody writes and rotates; no two of its lines are the same."""

    def __init__(self, path: Path, seed: int = 0) -> None:
        self.path = path
        self.lines: list[bytes] = []
        self._random = random.Random(seed)
        self._begun = b""

    def write(self, lines: int = 1) -> None:
        """Write whole lines, some of them long."""
        self.end_line()
        for _ in range(lines):
            self.begin_line()
            self.end_line()

    def begin_line(self) -> None:
        """Write a line without its end."""
        self.end_line()
        path = b"%d" % len(self.lines) + b"x" * self._random.choice((0, 5, 100, 900))
        self._begun = b'10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /' + path
        self._append(self._begun)

    def end_line(self) -> None:
        """Write the end of a line, if one is begun."""
        if self._begun:
            rest = b' HTTP/1.1" 200 ' + self._random.choice((b"5", b"67", b"8\r"))
            self.lines.append((self._begun + rest).rstrip(b"\r"))
            self._begun = b""
            self._append(rest + b"\n")

    def _append(self, raw: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(raw)
