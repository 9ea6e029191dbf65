"""Counts: a table and what of it is asked for in, the whole cluster's answer out."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec
import orjson
from aiohttp.web import Response

from dataflow.app import app
from dataflow.engine.query import Answer
from dataflow.engine.tables import Part, WindowedTable, merge_entries
from dataflow.http_error import not_found, quoted, unavailable
from dataflow.web.parameters import Selection
from dataflow.web.reply import json_bytes

LARGE_BYTES = 64 << 10
"""Parts over this size may take 5 ms and more to merge: a thread does it, batches cannot wait."""

EXAMPLE_KEYS = 10


@dataclass(frozen=True)
class Counts:
    """What the partitions of the topics that a table counts say of it."""

    table: WindowedTable
    selection: Selection
    answers: Mapping[str, Answer]
    """By topic."""

    @cached_property
    def parts(self) -> list[Part]:
        """The part of each partition that answered."""
        every = [raw for answer in self.answers.values() for raw in answer.parts.values()]
        return [msgspec.msgpack.decode(raw, type=Part) for raw in every]

    @property
    def size_bytes(self) -> int:
        """How much has been answered."""
        return sum(len(raw) for answer in self.answers.values() for raw in answer.parts.values())

    def windows(self) -> list[dict[str, object]]:
        """Return the windows, merged over the partitions."""
        asked = self.selection
        return merge_entries(
            self.table,
            asked.window,
            self.parts,
            merge_windows=asked.merge,
            top=asked.top,
            order=asked.order,
        )

    def as_json(self) -> bytes:
        """Return the answer as it goes out."""
        return orjson.dumps(
            {
                "table": self.table.name,
                "window": self.selection.window.name,
                "windows": self.windows(),
                "partitions": partitions(self.answers.values()),
                "lag": lag(self.answers.values()),
                "apart": {
                    "late": sum(part.late for part in self.parts),
                    "undated": sum(part.undated for part in self.parts),
                    "future": sum(part.future for part in self.parts),
                },
            }
        )


def partitions(answers: Collection[Answer]) -> dict[str, list[int]]:
    """Return which partitions are in all of these answers, and which are missing in any."""
    missing = {number for answer in answers for number in answer.missing}
    answered = {number for answer in answers for number in answer.parts}
    return {"answered": sorted(answered - missing), "missing": sorted(missing)}


def lag(answers: Collection[Answer]) -> dict[str, float]:
    """Return how far what is counted is behind the topics."""
    return {
        "records": sum(answer.lag_records for answer in answers),
        "seconds": max(answer.lag_seconds for answer in answers),
    }


def topics_of(table: WindowedTable) -> list[str]:
    """Return the topics whose events a table counts."""
    return app.topology.sources_of(table)


async def ask_counts(table: WindowedTable, selection: Selection, key: str | None = None) -> Counts:
    """Ask the owners of all partitions; refuse when none answers."""
    topics = topics_of(table)
    asked = {
        "table": table.name,
        "window": selection.window.name,
        "from": selection.from_ms,
        "to": selection.to_ms,
        "key": key,
    }
    parameters = {name: str(value) for name, value in asked.items() if value is not None}
    answers = await asyncio.gather(*(app.queries.query(topic, "entries", parameters) for topic in topics))
    if not any(answer.parts for answer in answers):
        raise unavailable(
            f"partitions of {', '.join(topics)} are being taken over; "
            "none of their owners has answered in time"
        )
    return Counts(table, selection, dict(zip(topics, answers, strict=True)))


async def reply_of(counts: Counts) -> Response:
    """Return the counts as a response."""
    if counts.size_bytes > LARGE_BYTES:
        return json_bytes(await asyncio.to_thread(counts.as_json))
    return json_bytes(counts.as_json())


async def check_key(table: WindowedTable, key: str) -> None:
    """Refuse a key that no partition has in any window."""
    every = await ask_counts(table, Selection(table.every_window[-1], merge=True, top=EXAMPLE_KEYS))
    if any(label == key for part in every.parts for _, label, _ in part.entries):
        return
    for topic, answer in every.answers.items():
        if answer.missing:
            raise unavailable(
                f"key is {quoted(key)}; partitions {answer.missing} of {topic}, "
                "which may have it, do not answer"
            )
    windows = await asyncio.to_thread(every.windows)
    found = [str(entry["key"]) for window in windows for entry in window["entries"]]  # type: ignore[attr-defined]  # JSON
    examples = f", such as {', '.join(map(quoted, found))}" if found else ""
    raise not_found("key", key, f"one that {table.name} has counted{examples}")
