"""Counts: what the partitions of the whole cluster hold of a table, merged into one answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec

from dataflow.app import app
from dataflow.engine.query import ReadWindows
from dataflow.engine.query_result import QueryResult
from dataflow.engine.tables import Part, WindowedTable, merge_entries
from dataflow.http_error import not_found, quoted, unavailable
from dataflow.instants import iso_or_none
from dataflow.web.answer import lag_of, partitions_of
from dataflow.web.route import Reply
from dataflow.web.table_answer import Apart, TableAnswer, TableWindow
from dataflow.web.table_request import Selection

LARGE_BYTES = 64 << 10
"""Larger results may take 5 ms and more to merge: a thread does it, batches cannot wait."""

EXAMPLE_KEYS = 10


@dataclass(frozen=True)
class Counts:
    """What the partitions of the topics that a table counts answer."""

    table: WindowedTable
    selection: Selection
    results: Mapping[str, QueryResult[Part]]
    """By topic."""

    @cached_property
    def parts(self) -> list[Part]:
        """What each partition holds."""
        return [part for result in self.results.values() for part in result.by_partition.values()]

    def windows(self) -> list[TableWindow]:
        """Return the windows, merged over the partitions."""
        selection = self.selection
        merged = merge_entries(
            self.table,
            selection.window,
            self.parts,
            merge_windows=selection.merge,
            top=selection.top,
            order=selection.order,
        )
        return [TableWindow(**window) for window in merged]

    def reply(self) -> Reply[TableAnswer]:
        """Return the answer, encoded."""
        results = self.results.values()
        answer = TableAnswer(
            table=self.table.name,
            window=self.selection.window.name,
            windows=self.windows(),
            partitions=partitions_of(results),
            lag=lag_of(results),
            apart=Apart(
                late=sum(part.late for part in self.parts),
                undated=sum(part.undated for part in self.parts),
                future=sum(part.future for part in self.parts),
            ),
            suspended={
                f"{topic}/{number}": fault
                for topic, result in self.results.items()
                for number, fault in result.faults.items()
            },
            since=iso_or_none(max((at for part in self.parts if (at := part.since_ms)), default=None)),
        )
        return Reply(msgspec.json.encode(answer))

    async def reply_in_time(self) -> Reply[TableAnswer]:
        """Return the answer; a large one is merged in a thread."""
        if sum(result.size_bytes for result in self.results.values()) > LARGE_BYTES:
            return await asyncio.to_thread(self.reply)
        return self.reply()


async def query_counts(table: WindowedTable, selection: Selection, key: str | None = None) -> Counts:
    """Ask the owners of all partitions; raise `HttpError` when none answers."""
    topics = app.topology.sources_of(table)
    query = ReadWindows(table.name, selection.window.name, selection.from_ms, selection.to_ms, key)
    results = await asyncio.gather(*(app.queries.query(topic, query) for topic in topics))
    if not any(result.contents for result in results):
        for fault in (fault for result in results for fault in result.faults.values()):
            raise unavailable(fault)
        raise unavailable(
            f"partitions of {', '.join(topics)} are being taken over; "
            "none of their owners has answered in time"
        )
    return Counts(table, selection, dict(zip(topics, results, strict=True)))


async def check_key(table: WindowedTable, key: str) -> None:
    """Raise `HttpError` for a key that no partition has in any window."""
    counts = await query_counts(table, Selection(table.every_window[-1], merge=True, top=EXAMPLE_KEYS))
    if any(label == key for part in counts.parts for _, label, _ in part.entries):
        return
    for topic, result in counts.results.items():
        if result.missing:
            raise unavailable(
                f"key is {quoted(key)}; partitions {result.missing} of {topic}, "
                "which may have it, do not answer"
            )
    windows = await asyncio.to_thread(counts.windows)
    keys = [str(entry["key"]) for window in windows for entry in window.entries]
    examples = f", such as {', '.join(map(quoted, keys))}" if keys else ""
    raise not_found("key", key, f"one that {table.name} has counted{examples}")
