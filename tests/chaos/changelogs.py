"""What is kept in the changelogs: a worker's environment in, balances and tables as JSON out.

Run as a program, since a process can have one set of settings only.
"""

import asyncio
import sys

import orjson
from aiokafka.structs import TopicPartition
from table_parts import merge_entries, part_of

from dataflow.app import app
from dataflow.assembly import assemble
from dataflow.engine.event_counts import EventCounts
from dataflow.engine.restore import restore
from dataflow.engine.state import PartitionState
from dataflow.engine.tables import WindowedTable
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.settings import settings


async def _states() -> dict[TopicPartition, PartitionState]:
    sources = app.topology.sources
    async with running(Admin(app.engine.options.connection)) as admin:
        counts = await admin.partition_counts(sources)
    states, _ = await restore(
        [TopicPartition(topic, p) for topic, count in counts.items() for p in range(count)],
        {topic: source.changelog for topic, source in sources.items()},
        lambda topic: sources[topic].tables,
        app.engine.options.connection,
        _refuse,
    )
    return states


async def _refuse(tps: object) -> None:
    raise AssertionError(f"{tps} have open transactions; expected none after all workers have ended")


def _table(table: WindowedTable, states: list[PartitionState]) -> dict[str, object]:
    table_partitions = [state.table_partitions[table.name] for state in states]
    windows = {
        w.name: merge_entries(table, w, [part_of(s, w) for s in table_partitions]) for w in table.every_window
    }
    late = {
        w.name: sum(table_partition.event_time.late[w.name] for table_partition in table_partitions)
        for w in table.windows
    }
    return {
        "windows": windows,
        "late": late,
        "undated": sum(table_partition.event_time.undated for table_partition in table_partitions),
        "future": sum(table_partition.event_time.future for table_partition in table_partitions),
    }


async def _main() -> None:
    assemble(app, settings())
    states, event_counts_by_stream = await _states(), {}
    tables: dict[str, tuple[WindowedTable, list[PartitionState]]] = {}
    for topic, source in app.topology.sources.items():
        of_topic = [state for tp, state in states.items() if tp.topic == topic]
        event_counts = EventCounts()
        for state in of_topic:
            event_counts.add(state.event_counts)
        event_counts_by_stream[topic] = event_counts.as_mapping()
        for table in source.tables:  # it may have other sources, too
            tables.setdefault(table.name, (table, []))[1].extend(of_topic)
    told = {name: _table(*counted) for name, counted in tables.items()}
    sys.stdout.buffer.write(orjson.dumps({"streams": event_counts_by_stream, "tables": told}))


if __name__ == "__main__":
    asyncio.run(_main())
