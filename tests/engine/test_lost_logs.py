"""A broker that has lost the log of a source, and kept the topic: that stream pauses, the others go on."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.relay import Names, Relay, events, numbers_in, relay, running, until
from kafka_client import KafkaClient
from lost_logs import lose_log

from dataflow.demo.broker import EmbeddedBroker
from dataflow.engine.pauses import PauseCause
from dataflow.engine.resume import resume

pytestmark = pytest.mark.long


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """Return a broker that only this test breaks."""
    one = EmbeddedBroker(tmp_path / "broker", properties={"group.min.session.timeout.ms": 1000})
    one.start()
    try:
        one.wait_ready()
        yield one
    finally:
        one.stop()


def cause_of(worker: Relay, names: Names) -> PauseCause | None:
    """Return why the stream pauses."""
    pause = worker.app.engine.pauses.get(names.source)
    return pause and pause.cause


async def test_a_source_whose_log_is_lost_pauses_until_somebody_says_so(
    own_broker: EmbeddedBroker, unique: Callable[[str], str]
):
    """The first new record ended the worker, at each start, with all of its streams; no id tells it."""
    names, kafka = Names.of(unique), KafkaClient(own_broker.address)
    kafka.create_topics(names.topics, 4)
    for number in range(2):
        kafka.produce(names.source, events(range(number * 100, number * 100 + 100)), partition=number)
    worker = relay(own_broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 200, "all events")
    lose_log(own_broker, names.source)
    kafka = KafkaClient(own_broker.address)
    kafka.produce(names.source, events(range(200, 210)), partition=0)
    for is_resumed in (False, True):  # a restart alone changes nothing
        worker = relay(own_broker.address, names)
        async with running(worker):
            await until(lambda w=worker: cause_of(w, names) is PauseCause.TOPIC_MADE_ANEW, "a pause")
            assert worker.received == 200
            assert not worker.app.engine.lifecycle.has_failed
            if is_resumed:
                await resume(worker.app.engine, names.source)
                kafka.produce(names.source, events(range(210, 220)), partition=1)
                await until(lambda w=worker: w.received == 220, "all that there is")
                assert worker.counts() == {"a": 220}
    assert sorted(numbers_in(kafka.read_topic(names.output))) == list(range(220))


@pytest.mark.parametrize("is_away", [True, False], ids=["while the worker is away", "while it runs"])
async def test_a_log_that_is_lost_and_has_grown_past_what_was_read_is_noticed(
    own_broker: EmbeddedBroker, unique: Callable[[str], str], is_away: bool
):
    """The worker went on at its offset, and never read what had come below; only the leader epoch tells."""
    names, kafka = Names.of(unique), KafkaClient(own_broker.address)
    kafka.create_topics(names.topics, 4)
    kafka.produce(names.source, events(range(100)), partition=0)
    worker = relay(own_broker.address, names)
    async with running(worker):
        await until(lambda: worker.received == 100, "all events")
        if not is_away:
            await asyncio.to_thread(regrow, own_broker, names)
            await until(lambda: cause_of(worker, names) is PauseCause.TOPIC_MADE_ANEW, "a pause")
    if is_away:
        regrow(own_broker, names)
    worker = relay(own_broker.address, names)
    async with running(worker):
        await until(lambda: cause_of(worker, names) is PauseCause.TOPIC_MADE_ANEW, "a pause")
        assert worker.received == 100
        await resume(worker.app.engine, names.source)
        await until(lambda: worker.received == 250, "all that there is")
    assert sorted(numbers_in(kafka.read_topic(names.output))) == list(range(250))


def regrow(broker: EmbeddedBroker, names: Names) -> None:
    """Lose the log, and write more than it had."""
    lose_log(broker, names.source)
    KafkaClient(broker.address).produce(names.source, events(range(100, 250)), partition=0)
