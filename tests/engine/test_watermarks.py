"""Event times and record timestamps that are ahead in; a watermark that never passes now, out."""

import time
from collections.abc import Callable, Iterable

import orjson
import pytest
from harness.relay import MARK, Names, Relay, relay, running, until
from kafka_client import KafkaClient
from table_parts import part_of

from dataflow.demo.broker import EmbeddedBroker
from dataflow.engine.batch import Batch
from dataflow.engine.tables import MINUTE, WindowedTable
from dataflow.logs import Entry

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
FOR_EVER = 2**63 - 1
NONE = -1
IN_2099 = 4_070_908_800_000
PER_MINUTE = WindowedTable("per_minute", key="kind", windows=(MINUTE,), lateness_ms=2 * MINUTE_MS)
EVENTS = 20


def event(at: int, n: int = 0) -> bytes:
    """Return one event of this time."""
    return orjson.dumps({"n": n, "kind": "a", "at": at})


def a_worker(broker: EmbeddedBroker, names: Names) -> Relay:
    """Return a worker that counts by minutes, two minutes of lateness allowed."""

    async def count(_: Relay, batch: Batch) -> None:
        per_minute.add(batch.apply(MARK))

    made = relay(broker.address, names, count)
    per_minute = made.app.windowed_table(made.source, PER_MINUTE)
    return made


def minutes(worker: Relay) -> dict[int, tuple[int, int]]:
    """Return of each partition how many events are in the windows, and how many came too late for theirs."""
    found = {}
    for tp, partition in worker.app.engine.partitions.items():
        part = part_of(partition.state.table_partitions["per_minute"], MINUTE)
        found[tp.partition] = sum(packed[1] for _, _, packed in part.entries), part.marks.late
    return found


def warned(caplog: pytest.LogCaptureFixture) -> Iterable[object]:
    """Return the partitions whose event time was taken back."""
    entries = [record.msg for record in caplog.records if isinstance(record.msg, Entry)]
    return [one.fields["partition"] for one in entries if one.sentence.startswith("Event time was ahead")]


async def test_whatever_is_ahead_makes_no_later_event_late_also_over_restarts(
    broker: EmbeddedBroker,
    kafka: KafkaClient,
    unique: Callable[[str], str],
    caplog: pytest.LogCaptureFixture,
):
    """One such record shut the windows of its partition for as long as it was ahead."""
    names = Names.of(unique)
    kafka.create_topics(names.source, 4, message_timestamp_after_max_ms=FOR_EVER)
    kafka.create_topics([names.output, names.dead], 4)
    now = int(time.time() * 1000)
    ahead = [(now + HOUR_MS, now), (now + 23 * HOUR_MS, now), (now, IN_2099), (now + HOUR_MS, NONE)]
    usual = [now, now, now, NONE]

    def send(first: int) -> None:
        for partition, timestamp in enumerate(usual):
            values = [event(now - 1_000 - n, n) for n in range(first, first + EVENTS)]
            kafka.produce(names.source, values, partition=partition, timestamps=[timestamp] * EVENTS)

    for partition, (at, timestamp) in enumerate(ahead):
        kafka.produce(names.source, [event(at)], partition=partition, timestamps=[timestamp])
    worker = a_worker(broker, names)
    async with running(worker):
        await until(lambda: worker.received == 4, "what is ahead")
        send(0)
        await until(lambda: worker.received == 4 * (1 + EVENTS), "what is usual")
        assert minutes(worker) == dict.fromkeys(range(4), (1 + EVENTS, 0))
        _poison(worker)
        kafka.produce(names.source, [event(now)], partition=1)
        await until(lambda: worker.received == 4 * (1 + EVENTS) + 1, "an event of a poisoned state")
    assert not warned(caplog)
    again = a_worker(broker, names)
    async with running(again):
        await until(lambda: len(again.app.engine.partitions) == 4, "all partitions")
        send(EVENTS)
        await until(lambda: again.received == 4 * (1 + 2 * EVENTS) + 1, "the same again")
        late = {tp: late for tp, (_, late) in minutes(again).items()}
    assert late == {0: 0, 1: 1, 2: 0, 3: 0}
    assert warned(caplog) == [1]


def _poison(worker: Relay) -> None:
    """Leave in the second partition what releases left that believed any timestamp."""
    [state] = [one.state for tp, one in worker.app.engine.partitions.items() if tp.partition == 1]
    state.stream_time_ms = IN_2099
    for table_partition in state.table_partitions.values():
        table_partition.event_time.newest = IN_2099
