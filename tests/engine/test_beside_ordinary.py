"""Ordinary Faust in the same app: plain topics, agents, tables, timers and pages work as ever."""

import asyncio
from collections.abc import AsyncIterator

import faust
import pytest
from faust.web import Request, Response, View
from harness.relay import Names, Relay, events, numbers_in, pass_on, relay, running, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.engine.batch import Batch
from dataflow.engine.ordinary_topics import prepare_ordinary
from dataflow.errors import Misconfigured


async def test_plain_agent_table_timer_page_and_sends_work_beside_batches(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Who knows Faust can go on using it; only inside a batch it is refused."""
    words, answers = f"words-{names.group}", f"answers-{names.group}"
    kafka.create_topics([words, answers], 2)
    worker = relay(broker.address, names)
    app, ticks = worker.app, []
    count = app.Table(f"count-{names.group}", partitions=2, default=int)
    told = app.topic(answers, value_type=bytes, value_serializer="raw")

    @app.agent(app.topic(words, key_type=bytes, value_type=bytes, value_serializer="raw"), sink=[told])
    async def count_words(stream: faust.Stream[bytes]) -> AsyncIterator[bytes]:
        async for word in stream:
            count[word.decode()] += 1
            yield word.upper()

    @app.timer(0.05)
    async def tick() -> None:
        ticks.append(len(ticks))

    @app.page("/count/")
    async def show(view: View, request: Request) -> Response:
        return view.json(dict(count.items()))

    kafka.produce(names.source, events(range(200)))
    kafka.produce(words, [b"one", b"two", b"one"], keys=[b"k"] * 3)
    async with running(worker):
        await until(lambda: worker.received == 200, "all batches")
        await until(lambda: sum(count.values()) == 3, "all words")
        await until(lambda: len(kafka.read_topic(answers)) == 3, "all answers")
        await until(lambda: len(ticks) >= 2, "two ticks")
        async with app.http_client.get(f"{app.conf.canonical_url}/count/") as answer:
            assert await answer.json() == {"one": 2, "two": 1}
    assert sorted(numbers_in(kafka.read_topic(names.output))) == list(range(200))
    assert sorted(read.value for read in kafka.read_topic(answers)) == [b"ONE", b"ONE", b"TWO"]


async def test_an_ordinary_table_is_recovered_beside_windowed_ones(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Faust's own recovery and ours take turns: its tables first, then `perform_seek`.

    The table names no number of partitions: Faust's eight against two killed its agent at each event.
    """
    words = f"words-{names.group}"
    kafka.create_topics(words, 2)
    kafka.produce(words, [b"one"] * 5, keys=[b"k"] * 5)
    kafka.produce(names.source, events(range(50)))
    for words_counted, events_counted in ((5, 50), (10, 100)):
        worker = relay(broker.address, names)
        count = worker.app.Table(f"count-{names.group}", default=int)
        count_words = counting(worker, words, count)
        async with running(worker):
            await until(lambda w=worker, n=events_counted: w.received == n, "all events")
            await until(lambda c=count, n=words_counted: c["one"] == n, f"all words of {count_words}")
            assert worker.counts() == {"a": events_counted}
        if events_counted == 50:
            kafka.produce(words, [b"one"] * 5, keys=[b"k"] * 5)
            kafka.produce(names.source, events(range(50)))


def counting(worker: Relay, words: str, count: "faust.Table[str, int]") -> object:
    """Count words in an ordinary table."""

    @worker.app.agent(worker.app.topic(words, key_type=bytes, value_type=bytes, value_serializer="raw"))
    async def count_words(stream: "faust.Stream[bytes]") -> None:
        async for word in stream:
            count[word.decode()] += 1

    return count_words


async def test_a_missing_topic_of_an_ordinary_agent_is_an_error(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Nobody would read it, and nobody would know."""
    worker, words = relay(broker.address, names), f"words-{names.group}"
    counting(worker, words, worker.app.Table(f"count-{names.group}", default=int))
    expected = f"topic {words} of agent .*count_words does not exist on .*; expected it to be there. Create"
    with pytest.raises(Misconfigured, match=expected):
        await prepare_ordinary(worker.app, worker.app.engine.options.connection)


async def test_a_slow_ordinary_agent_does_not_hold_batches_up(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Rule 6: Faust's queue is full at 4,096 messages; whoever puts one more waits."""
    words = f"words-{names.group}"
    kafka.create_topics(words, 1)
    kafka.produce(words, [b"x"] * 12_000)
    worker, seen, go_on = relay(broker.address, names), [], asyncio.Event()
    worker.app.conf.broker_session_timeout = 30.0  # an agent that stands still would hold a rebalance up

    @worker.app.agent(worker.app.topic(words, value_type=bytes, value_serializer="raw"))
    async def dawdle(stream: "faust.Stream[bytes]") -> None:
        async for word in stream:
            seen.append(word)
            await go_on.wait()

    async with running(worker):
        await until(lambda: seen, "the first word")
        try:
            await until(lambda: not taken_from(worker, words), "Faust to fetch no more of it")
            kafka.produce(names.source, events(range(500)))
            await until(lambda: worker.received == 500, "all batches, beside the agent that stands still")
        finally:
            go_on.set()  # Faust waits for it without end


def taken_from(worker: Relay, topic: str) -> set[object]:
    """Return the partitions of an ordinary topic that are fetched."""
    return {tp for tp in worker.app.batch_consumer._get_active_partitions() if tp.topic == topic}


async def test_ordinary_messages_survive_a_rebalance(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names
):
    """Read but not acknowledged when it begins: they are read again, by whoever has them then."""
    words, total = f"words-{names.group}", 5_000
    kafka.create_topics(words, 2)
    kafka.produce(words, [b"%d" % n for n in range(total)])
    seen: set[int] = set()
    first, second = (relay(broker.address, names) for _ in range(2))
    for worker in (first, second):
        noting(worker, words, seen)
    async with running(first):
        await until(lambda: len(seen) > 500, "the beginning")
        async with running(second):
            await until(lambda: len(seen) > 1500, "more, by two workers")
        await until(lambda: len(seen) == total, f"all; {total - len(seen)} are lost", 60)


def noting(worker: Relay, words: str, seen: set[int]) -> None:
    """Read an ordinary topic, not too fast."""

    @worker.app.agent(worker.app.topic(words, value_type=bytes, value_serializer="raw"))
    async def note(stream: "faust.Stream[bytes]") -> None:
        async for word in stream:
            await asyncio.sleep(0.0002)
            seen.add(int(word))


@pytest.mark.parametrize("beside", [False, True])
async def test_partitions_are_served_in_turn(
    broker: EmbeddedBroker, kafka: KafkaClient, names: Names, beside: bool
):
    """Rule 6: one with a long backlog does not keep the others waiting."""
    order: list[int] = []

    async def note_partition(relay: Relay, batch: Batch) -> None:
        order.append(batch.tp.partition)
        await pass_on(relay, batch)

    worker = relay(broker.address, names, note_partition, batch_records=100)
    kafka.produce(names.source, events(range(8_000)), partition=0)
    for partition in (1, 2, 3):
        kafka.produce(names.source, events(range(100)), partition=partition)
    if beside:
        noting(worker, names.dead, set())
    async with running(worker):
        await until(lambda: worker.received == 8_300, "all events")
    assert set(order[:12]) == {0, 1, 2, 3}
