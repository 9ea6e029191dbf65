"""Another cleanup.policy of an output or a changelog: its stream alone pauses, and goes on by itself."""

from collections.abc import Callable

import pytest
from confluent_kafka.admin import ResourceType
from harness.altered import altered
from harness.guarded_broker import Guarded
from harness.relay import running, start, until
from harness.two_streams import TwoStreams, relay_again, two_streams

from dataflow.engine.pauses import PauseCause

pytestmark = pytest.mark.long

SETTING = "cleanup.policy"


async def test_an_output_that_is_compacted_pauses_its_stream_alone_until_it_is_not(
    guarded: Guarded, unique: Callable[[str], str]
):
    """It refuses records without a key; the worker ended with "UnknownError", and again at each start."""
    streams = two_streams(guarded, unique)
    async with running(streams.worker):
        streams.send(range(100))
        await streams.wait_all(100)
        with altered(guarded.broker.address, ResourceType.TOPIC, streams.names.output, {SETTING: "compact"}):
            streams.send(range(100, 200))
            await until(lambda: streams.pause is not None, "a pause")
            assert streams.pause is not None
            assert streams.pause.cause is PauseCause.KEYS_REQUIRED
            assert streams.pause.detail.startswith(f"topic {streams.names.output} is compacted")
            await until(lambda: streams.committed(streams.others) == 200, "the other stream")
            await streams.worker.app.engine.inspector.inspect()
            assert streams.pause is not None, "it is known why: nothing is tried meanwhile"
        await streams.wait_all(200)
    streams.check_outputs(200)


async def test_a_changelog_that_loses_its_policy_pauses_its_stream_alone_also_at_a_start(
    guarded: Guarded, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
):
    """Retention would delete what was counted: a running worker said nothing, and the next one ended."""
    monkeypatch.setattr("dataflow.engine.topic_inspector.SETTINGS_SECONDS", 0.2)
    monkeypatch.setattr("dataflow.engine.watch.LOOK_SECONDS", 1.0)
    streams = two_streams(guarded, unique)
    address, changelog = guarded.broker.address, streams.names.changelog
    async with running(streams.worker):
        streams.send(range(100))
        await streams.wait_all(100)
        with altered(address, ResourceType.TOPIC, changelog, {SETTING: "compact,delete"}):
            await until(lambda: streams.pause is not None, "a pause")
    again = TwoStreams(streams.kafka, streams.names, streams.others, relay_again(guarded, streams))
    with altered(address, ResourceType.TOPIC, changelog, {SETTING: "delete"}):
        streams.send(range(100, 200))
        await start(again.worker)
        await until(lambda: again.committed(again.others) == 200, "the other stream")
        assert again.pause is not None
        assert again.pause.cause is PauseCause.NOT_COMPACTED
        assert f"cleanup.policy of changelog {changelog} is delete" in again.pause.detail
    await again.wait_all(200)
    await again.worker.app.stop()
    streams.check_outputs(200)
