"""A topic that accepts only smaller records than before: its stream alone writes others, and goes on."""

from collections import Counter
from collections.abc import Callable

import orjson
import pytest
from confluent_kafka.admin import AclOperation, ResourceType
from harness.altered import altered
from harness.guarded_broker import Guarded
from harness.relay import AT, numbers_in, running, until
from harness.two_streams import two_streams

from dataflow.engine.pauses import PauseCause

pytestmark = pytest.mark.long

SETTING = "max.message.bytes"


def padded(numbers: range, size: int) -> list[bytes]:
    """Return events of at least this size."""
    return [orjson.dumps({"n": n, "kind": "a", "at": AT, "padding": "x" * size}) for n in numbers]


async def test_records_that_an_output_takes_no_more_are_dead_letters_and_the_rest_goes_on(
    guarded: Guarded, unique: Callable[[str], str]
):
    """One setting of one output ended the worker with all its streams, and again at each start."""
    streams = two_streams(guarded, unique)
    kafka, names = streams.kafka, streams.names
    async with running(streams.worker):
        streams.send(range(100))
        await streams.wait_all(100)
        with altered(guarded.broker.address, ResourceType.TOPIC, names.output, {SETTING: "2000"}):
            kafka.produce(names.source, padded(range(100, 110), 10), partition=0)
            kafka.produce(names.source, padded(range(110, 115), 3_000), partition=0)
            kafka.produce(names.source, padded(range(115, 300), 10), partition=0)
            streams.send(range(100, 300), everywhere=False)
            await streams.wait_all(300)
            assert streams.pause is None
            dead = [dict(letter.headers) for letter in kafka.read_topic(names.dead)]
            assert [headers["dataflow-reason"] for headers in dead] == [b"too_large"] * 5
        batches = streams.worker.app.engine._record_batches
        await until(lambda: batches.accepted_bytes(names.output) > 3_000, "the old setting to be noticed")
        kafka.produce(names.source, padded(range(300, 305), 3_000), partition=0)
        await until(lambda: streams.committed(names) == 305, "what is large")
    passed = Counter(numbers_in(kafka.read_topic(names.output)))
    assert passed == Counter([*range(110), *range(115, 305)])
    assert numbers_in(kafka.read_topic(streams.others.output)) == list(range(300))


async def test_a_topic_whose_setting_nobody_may_read_pauses_its_stream_alone(
    guarded: Guarded, unique: Callable[[str], str]
):
    """Which records it takes cannot be told then: none is given up, and the others go on."""
    streams = two_streams(guarded, unique)
    kafka, names = streams.kafka, streams.names
    async with running(streams.worker):
        streams.send(range(100))
        await streams.wait_all(100)
        with (
            guarded.denied(ResourceType.TOPIC, names.output, AclOperation.DESCRIBE_CONFIGS),
            altered(guarded.broker.address, ResourceType.TOPIC, names.output, {SETTING: "2000"}),
        ):
            kafka.produce(names.source, padded(range(100, 200), 3_000), partition=0)
            await until(lambda: streams.pause is not None, "a pause")
            assert streams.pause is not None
            assert streams.pause.cause is PauseCause.RECORDS_TOO_LARGE
            assert names.output in streams.pause.detail
            streams.send(range(100, 200), everywhere=False)
            await until(lambda: streams.committed(streams.others) == 200, "the other stream")
        await streams.wait_all(200)
    streams.check_outputs(200)


async def test_a_changelog_that_takes_less_pauses_its_stream_alone_until_it_takes_more(
    guarded: Guarded, unique: Callable[[str], str]
):
    """What has been counted cannot be a dead letter."""
    streams = two_streams(guarded, unique)
    async with running(streams.worker):
        streams.send(range(100))
        await streams.wait_all(100)
        with altered(guarded.broker.address, ResourceType.TOPIC, streams.names.changelog, {SETTING: "100"}):
            streams.send(range(100, 200))
            await until(lambda: streams.pause is not None, "a pause")
            await until(lambda: streams.committed(streams.others) == 200, "the other stream")
        await streams.wait_all(200)
    streams.check_outputs(200)
