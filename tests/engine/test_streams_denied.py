"""Rights that are taken away: one to a topic holds up its stream alone; all others are waited for."""

from collections.abc import Callable

import pytest
from confluent_kafka.admin import AclOperation, ResourceType
from harness.guarded_broker import BOB, Guarded
from harness.relay import running, until
from harness.two_streams import TwoStreams, relay_again, two_streams

from dataflow.engine.pauses import PauseCause
from dataflow.logs import Entry

pytestmark = pytest.mark.long


def sentences(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged, without fields."""
    return [r.msg.sentence if isinstance(r.msg, Entry) else r.getMessage() for r in caplog.records]


RIGHTS = {
    "write to the output": (lambda names: names.output, AclOperation.WRITE, "WRITE"),
    "read of the source": (lambda names: names.source, AclOperation.READ, "READ"),
    "write to the changelog": (lambda names: names.changelog, AclOperation.WRITE, "WRITE"),
    "read of the changelog": (lambda names: names.changelog, AclOperation.READ, "READ"),
}


@pytest.mark.parametrize("right", RIGHTS)
async def test_a_right_to_one_topic_that_is_taken_away_pauses_its_stream_alone(
    right: str, guarded: Guarded, unique: Callable[[str], str], caplog: pytest.LogCaptureFixture
):
    """An operator's slip with one topic ended the worker, and six streams with it."""
    topic_of, operation, name = RIGHTS[right]
    streams = two_streams(guarded, unique)
    topic = topic_of(streams.names)
    async with running(streams.worker):
        streams.send(range(100))
        await streams.wait_all(100)
        with guarded.denied(ResourceType.TOPIC, topic, operation):
            streams.send(range(100, 200))
            await until(lambda: streams.pause is not None, "a pause")
            streams.send(range(200, 300))
            await until(lambda: streams.committed(streams.others) == 300, "the other stream")
            assert streams.pause is not None
            assert streams.pause.cause is PauseCause.ACCESS_DENIED
            assert streams.pause.detail == f"{BOB} is denied operation {name} on topic {topic}"
            assert streams.worker.app.watch.obstacle is None
        await streams.wait_all(300)
        assert streams.pause is None
    streams.check_outputs(300)
    assert sentences(caplog).count("Stream pauses; the others go on.") == 1
    assert sentences(caplog).count("Stream goes on.") == 1


async def test_a_worker_that_starts_without_a_right_to_one_output_runs_the_other_streams(
    guarded: Guarded, unique: Callable[[str], str]
):
    """Else a restart, by whoever watches it, would make the outage one of all streams."""
    streams = two_streams(guarded, unique)
    with guarded.denied(ResourceType.TOPIC, streams.names.output, AclOperation.ALL):
        streams.send(range(100))
        async with running(streams.worker):
            await until(lambda: streams.committed(streams.others) == 100, "the other stream")
            await until(lambda: streams.pause is not None, "a pause")
    async with running(two := relay_again(guarded, streams)):
        await TwoStreams(streams.kafka, streams.names, streams.others, two).wait_all(100)
    streams.check_outputs(100)


@pytest.mark.parametrize("kind", [ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID])
async def test_a_right_without_which_no_stream_goes_on_is_waited_for_in_a_few_lines(
    kind: ResourceType, guarded: Guarded, unique: Callable[[str], str], caplog: pytest.LogCaptureFixture
):
    """There was a line five times a second, none of which said who may not do what."""
    streams = two_streams(guarded, unique)
    engine, watch = streams.worker.app.engine, streams.worker.app.watch
    async with running(streams.worker):
        streams.send(range(100))
        await streams.wait_all(100)
        is_group = kind is ResourceType.GROUP
        name = streams.names.group if is_group else engine.producer.transactional_id
        wanted = (
            f"operation READ on group {name}" if is_group else f"operation WRITE on transactional id {name}"
        )
        with guarded.denied(kind, name, AclOperation.ALL):
            streams.send(range(100, 200))
            await until(
                lambda: f"{BOB} is denied {wanted}" in (watch.obstacle or ""), f"{wanted}, {watch.obstacle}"
            )
            caplog.clear()
            waited_until = engine.loop.time() + 10
            await until(lambda: engine.loop.time() > waited_until, "ten seconds")
            assert len([r for r in caplog.records if r.levelname in ("WARNING", "ERROR")]) <= 10, sentences(
                caplog
            )
        await streams.wait_all(200)
        await until(lambda: watch.obstacle is None, "a ready worker")
    streams.check_outputs(200)
