"""A table as its changelog tells it: `module:table` in, its cells as JSON on stdout."""

import asyncio
import sys
from datetime import datetime
from importlib import import_module

import orjson
from aiokafka.structs import TopicPartition
from cluster import PARTITIONS

from dataflow.engine.app import App, CountedTable
from dataflow.engine.restore import restore
from dataflow.engine.source import Source
from dataflow.engine.tables import merge_cells

Cell = tuple[str, int, str, dict[str, object]]
"""Window size, start in seconds since 1970 UTC, key, summaries by name."""


def source_of(app: App, counted: CountedTable) -> tuple[str, Source]:
    """Return the topic from which a table is counted."""
    return next((name, s) for name, s in app.engine.sources.items() if counted.table in s.tables)


async def read_cells(app: App, counted: CountedTable) -> list[Cell]:
    """Recover the table as a worker does, and merge its partitions."""
    topic, source = source_of(app, counted)
    states = await restore(
        [TopicPartition(topic, number) for number in range(PARTITIONS)],
        {topic: source.changelog},
        lambda _: [counted.table],
        app.engine.options.connection,
        _refuse,
    )
    shards = [state.shards[counted.name] for state in states.values()]
    return [
        (size.name, _seconds(window["start"]), entry.pop("key"), entry)
        for size in counted.table.every_window
        for window in merge_cells(counted.table, size, [shard.answer(size) for shard in shards])
        for entry in window["entries"]
    ]


async def _refuse(partitions: object) -> None:
    raise AssertionError(f"transactions of {partitions} are open; expected none after a clean stop")


def _seconds(start: str | None) -> int:
    return int(datetime.fromisoformat(start).timestamp()) if start else 0


async def main(table: str) -> None:
    """Print the cells of the table."""
    module, _, name = table.partition(":")
    declared = import_module(module)
    sys.stdout.buffer.write(orjson.dumps(await read_cells(declared.app, getattr(declared, name))))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
