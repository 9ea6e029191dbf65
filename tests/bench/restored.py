"""Tables as a changelog tells them: a source and `module:table`s in, their cells as JSON on stdout."""

import asyncio
import sys
from datetime import datetime
from importlib import import_module

import orjson
from aiokafka.structs import TopicPartition
from cluster import PARTITIONS
from table_parts import merge_entries, part_of

from dataflow.app import Dataflow
from dataflow.app import app as shipped
from dataflow.assembly import assemble
from dataflow.engine.app import App
from dataflow.engine.restore import restore
from dataflow.engine.topic import CountedTable
from dataflow.settings import settings

WindowEntry = tuple[str, str, int, str, dict[str, object]]
"""Table, window size, start in seconds since 1970 UTC, key, summaries by name."""


async def read_entries(app: App, source: str, counted: list[CountedTable]) -> list[WindowEntry]:
    """Recover the tables as a worker does, and merge their partitions."""
    states, _ = await restore(
        [TopicPartition(source, number) for number in range(PARTITIONS)],
        app.topology.changelogs,
        lambda _: [table.table for table in counted],
        app.engine.options.connection,
        _refuse,
    )
    return [
        (table.name, size.name, _seconds(window["start"]), entry.pop("key"), entry)
        for table in counted
        for size in table.table.every_window
        for window in merge_entries(
            table.table,
            size,
            [part_of(state.table_partitions[table.name], size) for state in states.values()],
        )
        for entry in window["entries"]
    ]


async def _refuse(partitions: object) -> None:
    raise AssertionError(f"transactions of {partitions} are open; expected none after a clean stop")


def _seconds(start: str | None) -> int:
    return int(datetime.fromisoformat(start).timestamp()) if start else 0


async def main(source: str, *tables: str) -> None:
    """Print the cells of these tables, as far as they are counted from the source."""
    counted = [getattr(import_module(module), name) for module, _, name in (t.partition(":") for t in tables)]
    app = getattr(import_module(tables[0].partition(":")[0]), "app", shipped)
    if isinstance(app, Dataflow):
        assemble(app, settings())
    sys.stdout.buffer.write(orjson.dumps(await read_entries(app, source, counted)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
