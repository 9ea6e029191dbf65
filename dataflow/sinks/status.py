"""Status of the sinks: lag, errors and workers of each, read from Kafka: a worker that hangs is seen."""

import asyncio
import time
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from dataflow.instants import iso_or_none
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.kafka.consumers import reader
from dataflow.kafka.fetch import drain
from dataflow.kafka.topic_states import topic_states
from dataflow.kafka.types import Consumer, OffsetAndMetadata, TopicPartition
from dataflow.sinks.runner_note import SinkNote, note_of

SAMPLE_SECONDS = 0.5
FIRST_RECORD_SECONDS = 2.0
POLL_SECONDS = 0.2
RECORDS_AT_ONCE = 1  # a part of a record batch is enough
ANSWER_SECONDS = 10.0


Offsets = Mapping[TopicPartition, OffsetAndMetadata]
Topics = Collection[str]


class Buffered(msgspec.Struct, forbid_unknown_fields=True):
    """Records that a sink has read and will store with later ones."""

    records: int


class SinkLag(msgspec.Struct, forbid_unknown_fields=True):
    """Records that a sink has not read."""

    records: int
    seconds: Annotated[float | None, Meta(description="How long the oldest has been in Kafka")]


class SinkState(msgspec.Struct, forbid_unknown_fields=True):
    """A sink over the whole cluster, as HTTP and the command line show it; instants in ISO 8601 UTC."""

    name: str
    topics: list[str]
    workers: Annotated[int, Meta(description="0: nobody runs it")]
    lag: SinkLag
    buffered: Buffered
    records_per_second: float
    last_error: str | None
    last_error_at: str | None
    retrying_since: Annotated[str | None, Meta(description="null: it is not in trouble")]
    leaderless_partitions: Annotated[
        int, Meta(description="Partitions whose brokers are away: what is there is in no number here")
    ]


async def sink_statuses(
    connection: Mapping[str, object], app_id: str, configured: Mapping[str, Topics]
) -> list[SinkState]:
    """Return every sink of this app that has ever run or that is `configured`, by name.

    For a configured sink all partitions of its topics count, for others those with committed
    offsets. Takes half a second, in which records are counted. Raises `KafkaError` or `OSError` (a
    `TimeoutError`, too) when the broker does not answer in time.
    """
    async with (
        asyncio.timeout(ANSWER_SECONDS),
        running(Admin(connection)) as admin,
        reader(connection) as consumer,
    ):
        samples, seconds = await _samples(admin, app_id, configured)
        topics = {tp.topic for sample in samples for tp in sample.partitions}
        states = (await topic_states(admin.client, topics)).items() if topics else ()
        away = {TopicPartition(topic, number) for topic, state in states for number in state.leaderless}
        return [await _status(sample, seconds, consumer, away) for sample in samples]


async def _samples(
    admin: Admin, app_id: str, configured: Mapping[str, Topics]
) -> tuple[list["_Sample"], float]:
    """Return a sample of each sink, and how many seconds it is from `before` to `after`."""
    prefix = f"{app_id}-sink-"
    names = {group.removeprefix(prefix) for group in await admin.groups() if group.startswith(prefix)}
    groups = {name: prefix + name for name in sorted(names | set(configured))}
    before = {name: await admin.committed(group) for name, group in groups.items()}
    began = time.monotonic()
    await asyncio.sleep(SAMPLE_SECONDS)
    after = {name: await admin.committed(group) for name, group in groups.items()}
    seconds = time.monotonic() - began
    samples = []
    for name, group in groups.items():
        never_served = set(await admin.partitions(configured.get(name, ()))) - after[name].keys()
        workers = await admin.member_count(group)
        samples.append(_Sample(name, before[name], after[name], never_served, workers))
    return samples, seconds


@dataclass(frozen=True, slots=True)
class _Sample:
    """The offsets of a sink at the begin and at the end of the sample, and its workers at the end."""

    name: str
    before: Offsets
    after: Offsets
    never_served: Collection[TopicPartition]
    workers: int

    @property
    def partitions(self) -> set[TopicPartition]:
        """All that it is about."""
        return {*self.after, *self.never_served}

    def positions(self, offsets: Offsets) -> Mapping[TopicPartition, int]:
        """Return up to where the sink has consumed each partition; buffers are lost with their workers."""
        return {
            tp: max(noted.offset, (self.workers and note_of(noted.metadata).consumed) or 0)
            for tp, noted in offsets.items()
        }


async def _status(
    sample: _Sample, seconds: float, consumer: Consumer, away: AbstractSet[TopicPartition]
) -> SinkState:
    never_served = [tp for tp in sample.never_served if tp not in away]
    positions = {tp: at for tp, at in sample.positions(sample.after).items() if tp not in away}
    consumed = positions | await consumer.beginning_offsets(never_served)
    ends = await consumer.end_offsets(list(consumed))
    lag = {tp: ends[tp] - position for tp, position in consumed.items() if ends[tp] > position}
    earlier = sample.positions(sample.before)
    stored = sum(max(consumed[tp] - earlier[tp], 0) for tp in earlier.keys() & consumed.keys())
    notes = [note_of(noted.metadata) for noted in sample.after.values()]
    last = max(notes, key=lambda note: note.error_at_ms or 0, default=SinkNote())
    oldest = await _oldest_ms(consumer, {tp: consumed[tp] for tp in lag})
    return SinkState(
        name=sample.name,
        topics=sorted({tp.topic for tp in sample.partitions}),
        workers=sample.workers,
        lag=SinkLag(sum(lag.values()), _seconds_since(oldest) if lag else 0.0),
        buffered=Buffered(sum(at - sample.after[tp].offset for tp, at in positions.items())),
        records_per_second=round(stored / seconds, 1),
        last_error=last.error,
        last_error_at=iso_or_none(last.error_at_ms),
        retrying_since=iso_or_none(
            min(filter(None, (note.retrying_since_ms for note in notes)), default=None)
        ),
        leaderless_partitions=len(sample.partitions & away),
    )


def _seconds_since(at_ms: int | None) -> float | None:
    # The clock of whoever wrote the record may be ahead of ours.
    return None if at_ms is None else round(max(time.time() - at_ms / 1000, 0.0), 3)


async def _oldest_ms(consumer: Consumer, starts: Mapping[TopicPartition, int]) -> int | None:
    """Return the timestamp of the oldest record from these offsets on; None if none is read in time."""
    if not starts:
        return None
    consumer.assign(list(starts))
    for tp, offset in starts.items():
        consumer.seek(tp, offset)
    missing, timestamps = set(starts), []
    deadline = time.monotonic() + FIRST_RECORD_SECONDS
    while missing and time.monotonic() < deadline:
        for tp, fetched in (await drain(consumer, missing, RECORDS_AT_ONCE, POLL_SECONDS)).items():
            first = next((record for part in fetched.slices for record in part.records), None)
            if first is not None:
                missing.discard(tp)
                timestamps.append(first.timestamp)
    return min((timestamp for timestamp in timestamps if timestamp >= 0), default=None)
