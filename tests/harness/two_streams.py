"""A worker with two streams: topics of one are tampered with, and the other is to go on."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.guarded_broker import Guarded
from harness.relay import MARK, Names, Relay, events, numbers_in, pass_on, relay, until
from kafka_client import KafkaClient

from dataflow.engine.batch import Batches
from dataflow.engine.event_time import EventTime
from dataflow.engine.pauses import Pause
from dataflow.engine.tables import DAY, WindowedTable


@dataclass(frozen=True)
class TwoStreams:
    """A worker with two streams: topics of one are tampered with, the other goes on."""

    kafka: KafkaClient
    names: Names
    others: Names
    worker: Relay

    def send(self, numbers: range, *, everywhere: bool = True) -> None:
        """Send events to the first partition of one stream, or of both."""
        for names in (self.names, self.others) if everywhere else (self.others,):
            self.kafka.produce(names.source, events(numbers), partition=0)

    def committed(self, names: Names) -> int:
        """Return how many events of a stream are committed."""
        partitions = self.worker.app.engine.partitions.items()
        return sum(p.committed for tp, p in partitions if tp.topic == names.source and tp.partition == 0)

    async def wait_all(self, total: int) -> None:
        """Wait until both streams have committed so many events."""
        await until(lambda: self.committed(self.others) == total, "the other stream")
        await until(lambda: self.committed(self.names) == total, f"{self.names.source}, {self.pause}")

    @property
    def pause(self) -> Pause | None:
        """Why the first stream pauses."""
        return self.worker.app.engine.pauses.get(self.names.source)

    def check_outputs(self, total: int) -> None:
        """Fail unless each event is in the output of its stream once, in order."""
        for names in (self.names, self.others):
            assert numbers_in(self.kafka.read_topic(names.output)) == list(range(total))


def two_streams(guarded: Guarded, unique: Callable[[str], str]) -> TwoStreams:
    """Make topics, and a worker that is not started."""
    names = Names.of(unique)
    others = Names(names.group, unique("other-source"), unique("other-output"), names.dead)
    guarded.kafka.create_topics([*names.topics, others.source, others.output], 2)
    worker = relay(guarded.broker.address, names, connection=guarded.as_bob)
    declare_other(worker, others)
    return TwoStreams(guarded.kafka, names, others, worker)


def declare_other(worker: Relay, names: Names) -> None:
    """Declare a second stream of a worker."""
    app = worker.app
    source = app.batches(names.source, event_time=EventTime("at", int), columns=MARK.columns)
    table = app.windowed_table(source, WindowedTable("others_per_kind", key="kind", windows=(DAY,)))
    other = Relay(app, source, app.batches(names.output), table)

    @app.agent(source, name="relay_others")
    async def relay_others(batches: Batches) -> None:
        async for batch in batches:
            async with batch:
                await pass_on(other, batch)


def relay_again(guarded: Guarded, streams: TwoStreams) -> Relay:
    """Return another worker of the same streams."""
    worker = relay(guarded.broker.address, streams.names, connection=guarded.as_bob)
    declare_other(worker, streams.others)
    return worker
