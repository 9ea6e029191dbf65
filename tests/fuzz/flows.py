"""Flows: lines in; what each agent as it is has made of them, without Kafka, and its balance out.

Import it with DATAFLOW_BROKER set to anything: nothing is connected.
"""

import inspect
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from dataclasses import dataclass

from aiokafka.record.default_records import DefaultRecord
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from table_parts import part_of

from agents.categorize_stays import categorize_stays
from agents.categorize_views import categorize_views
from agents.count_dead_letters import count_dead_letters
from agents.count_events import count_events
from agents.filter_cdn_logs import filter_cdn_logs
from agents.parse_access_logs import parse_access_logs
from agents.type_cdn_logs import type_cdn_logs
from dataflow.app import app
from dataflow.assembly import assemble
from dataflow.engine.batch import Batch
from dataflow.engine.batch_sizes import BatchSizes
from dataflow.engine.event_counts import EventCounts
from dataflow.engine.options import EngineOptions
from dataflow.engine.partition import Partition, Snapshot
from dataflow.engine.partition_context import Backlog, PartitionContext
from dataflow.engine.pauses import StreamPauses
from dataflow.engine.state import PartitionState
from dataflow.engine.tables import ALL, TablePartition
from dataflow.kafka.fetch import Fetched, RecordSlice
from dataflow.kafka.record_batches import RecordBatches
from dataflow.rules.version import Version
from dataflow.settings import settings

AT_MS = 1_700_000_000_000
assemble(app, settings())

LIMITLESS = EngineOptions(
    connection={}, dead_letter_max_consecutive=1 << 30, dead_letter_ratio_window=1 << 30
)

AGENTS = {
    "cdn-logs": inspect.unwrap(filter_cdn_logs.fun),
    "cdn-logs-filtered": inspect.unwrap(type_cdn_logs.fun),
    "access-logs": inspect.unwrap(parse_access_logs.fun),
    "expedia": inspect.unwrap(categorize_stays.fun),
    "raw-web-events": inspect.unwrap(categorize_views.fun),
    "analytics-events": inspect.unwrap(count_events.fun),
    "dead-letters": inspect.unwrap(count_dead_letters.fun),
}
"""The function of each agent, by the topic that it reads."""


@dataclass(frozen=True, slots=True)
class Flowed:
    """What has become of some lines, as the next checkpoint would write it."""

    event_counts: EventCounts
    outputs: dict[str, list[bytes | None]]
    counted: dict[str, int]
    """Rows of all time that each table has."""


def use_documents(rules: bytes, sources: bytes) -> None:
    """Have the agents use these filter rules and UTM sources."""
    run(app.context.filter_rules._use(Version(1, rules)))
    run(app.context.utm_sources._use(Version(1, sources)))


def run(work: Coroutine[object, object, object]) -> None:
    """Run to its end what has nothing to wait for."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("work waits for something; expected none beside its batches")


def flow(topic: str, lines: Sequence[bytes | None]) -> Flowed:
    """Give lines to the agent of a topic, as one batch, and take what it has made of them."""
    source = app.topology.sources.get(topic)
    state = PartitionState.of(source.tables if source else [])
    bugs: list[BaseException] = []
    batches = RecordBatches(None, transactional=True)
    noted = StreamPauses(), lambda *_: None, Backlog(), BatchSizes(2_000)
    context = PartitionContext(LIMITLESS, batches, lambda _: 1, lambda: None, bugs.append, *noted)
    partition = Partition(TopicPartition(topic, 0), 0, state, context)
    batch = partition.deliver(source.topic.event_time if source else None, _fetched(lines))
    assert batch is not None
    run(AGENTS[topic](_alone(batch)))
    assert not bugs, bugs
    counted = {name: _rows_of(table_partition) for name, table_partition in state.table_partitions.items()}
    return Flowed(state.event_counts, _outputs(partition.snapshot()), counted)


def _fetched(lines: Sequence[bytes | None]) -> Fetched:
    records = [DefaultRecord(n, AT_MS, 0, None, line, []) for n, line in enumerate(lines)]
    return Fetched(0, len(records), [RecordSlice(records, AT_MS)], sum(len(line or b"") for line in lines))


async def _alone(batch: Batch) -> AsyncIterator[Batch]:
    yield batch


def _rows_of(table_partition: TablePartition) -> int:
    return sum(packed[1] for _, _, packed in part_of(table_partition, ALL).entries)


def _outputs(snapshot: Snapshot) -> dict[str, list[bytes | None]]:
    outputs: dict[str, list[bytes | None]] = {}
    for topic, _, builder in snapshot.outputs:
        outputs.setdefault(topic, []).extend(_values(bytes(builder._build())))
    return outputs


def _values(raw: bytes) -> Iterable[bytes | None]:
    batches = MemoryRecords(raw)
    while batches.has_next():
        yield from (record.value for record in batches.next_batch())
