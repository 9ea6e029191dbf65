"""Versions on a real broker: one order, no change lost, bad ones change nothing."""

import asyncio
import gc

import pytest

from dataflow.catalogue.topic import LAST_OF_EACH_KEY, DeclaredTopic
from dataflow.connection import broker_connection
from dataflow.errors import Misconfigured
from dataflow.rules import follower as following
from dataflow.rules.dry_run import last_records
from dataflow.rules.follower import Follower
from dataflow.rules.outputs import check_outputs
from dataflow.rules.version import Authorship, Document, VersionConflict, last_version, put_version
from dataflow.settings import Settings
from dataflow.stages.filter_document import read_document

EMPTY = b"[]"
ME = Authorship("user ann")
BOTS = b'[{"fieldName":"UA","regex":"bot"}]'
BAD = b'[{"fieldName":"UA","regex":"("}]'


@pytest.fixture
def connection(broker):
    """Return how to reach the broker."""
    return broker_connection(Settings(broker=broker.address))


@pytest.fixture
def document(unique, monkeypatch):
    """Return a document with a topic of its own, which is not made yet."""
    topic = DeclaredTopic(unique("rules"), "rules", configs=LAST_OF_EACH_KEY, partitions=1)
    monkeypatch.setattr(following, "CHANGED_WHILE_IT_RUNS", (topic,))
    return Document(topic.name, "filter rules", read_document, EMPTY)


@pytest.fixture
def follow(connection, document):
    """Return a function that makes a follower, as a worker does."""

    def follow(seed=None, prepare=None):
        return Follower(
            document,
            connection,
            "app",
            compile=lambda version: (version.number, version.raw),
            seed=lambda: seed,
            prepare=prepare,
        )

    return follow


async def test_a_worker_begins_with_the_file_and_writes_it_as_the_first_version(follow):
    """The second one finds it in the topic, and its own file has no say any more."""
    async with follow(seed=BOTS) as first, follow(seed=EMPTY) as second:
        assert first.current == second.current == (1, BOTS)


async def test_workers_that_begin_at_once_write_one_first_version(follow, connection, document, caplog):
    """Whoever is quicker; nobody begins without rules, and who is slower has nothing to complain of."""
    followers = [follow(seed=b'[{"fieldName":"f","regex":"%d"}]' % n) for n in range(3)]
    await asyncio.gather(*(one.start() for one in followers))
    last = await last_version(connection, document)
    assert {one.current for one in followers} == {(1, last.raw)}
    await asyncio.gather(*(one.stop() for one in followers))
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_without_a_file_and_a_version_every_line_passes(follow):
    """Version 0 names no rules."""
    async with follow() as worker:
        assert worker.current == (0, EMPTY)


async def test_a_change_reaches_every_worker(follow, connection, document):
    """Each has it in a moment, whole."""
    async with follow() as first, follow() as second:
        await put_version(connection, "app", document, BOTS, follows=0, by=ME)
        await asyncio.gather(first.wait_for(1, 20), second.wait_for(1, 20))
        assert first.current == second.current == (1, BOTS)


async def test_of_many_changes_of_one_version_one_succeeds(follow, connection, document):
    """Two editors, two workers, one wink: the others are told, and nothing of theirs is written."""
    async with follow(seed=EMPTY) as worker:
        changes = [
            put_version(
                connection, "app", document, b'[{"fieldName":"f","regex":"%d"}]' % n, follows=1, by=ME
            )
            for n in range(4)
        ]
        told = await asyncio.gather(*changes, return_exceptions=True)
        won = [one for one in told if not isinstance(one, VersionConflict)]
        assert len(won) <= 1, told
        if not won:  # each has stopped the one before it, and the last has come too late, or not
            won = [await put_version(connection, "app", document, BOTS, follows=1, by=ME)]
        assert await last_version(connection, document) == won[0]
        await worker.wait_for(2, 20)
        assert worker.current == (2, won[0].raw)


async def test_a_change_of_an_old_version_is_refused(follow, connection, document):
    """Its editor has not seen what it would overwrite."""
    async with follow(seed=EMPTY):
        await put_version(connection, "app", document, BOTS, follows=1, by=ME)
        with pytest.raises(VersionConflict, match="version of the filter rules is 2; expected 1"):
            await put_version(connection, "app", document, EMPTY, follows=1, by=ME)
        assert (await put_version(connection, "app", document, EMPTY, follows=None, by=ME)).number == 3


async def test_bad_rules_change_nothing(follow, connection, document):
    """They are not even written."""
    async with follow(seed=BOTS) as worker:
        with pytest.raises(Misconfigured, match="rule 1: regex is"):
            await put_version(connection, "app", document, BAD, follows=1, by=ME)
        assert (await last_version(connection, document)).number == 1
        assert worker.current == (1, BOTS)


async def test_what_is_written_past_us_changes_nothing_either(follow, connection, document, produce):
    """Old workers, new ones and the next change go on from the last good version."""
    async with follow(seed=BOTS) as worker:
        produce(document.topic, [BAD], [b"by hand"])
        async with follow() as another:
            assert another.current == (1, BOTS)
        assert (await put_version(connection, "app", document, EMPTY, follows=1, by=ME)).number == 2
        await worker.wait_for(2, 20)
        assert worker.current == (2, EMPTY)


async def comes(condition):
    """Wait until a condition holds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - a follower tells of numbers only
            await asyncio.sleep(0.05)


async def test_the_last_good_version_of_the_log_counts_whatever_its_header_says(
    follow, connection, document, produce
):
    """Workers judged by different rules until the next change: who had started before, and who after."""
    async with follow(seed=EMPTY) as worker:
        for headers in (None, [("version", b"1")], [("version", b"x")]):
            written = b'[{"fieldName":"f","regex":"%d"}]' % len(str(headers))
            produce(document.topic, [written], [b"by hand"], headers=headers)
            await comes(lambda raw=written: worker.current[1] == raw)
            async with follow(seed=EMPTY) as another:
                assert another.current == worker.current
        version = await put_version(connection, "app", document, BOTS, follows=worker.current[0], by=ME)
        await worker.wait_for(version.number, 20)
        assert worker.current == (version.number, BOTS)


async def test_a_topic_that_was_made_anew_counts_for_all_workers_alike(
    follow, connection, document, kafka, caplog
):
    """One by the old rules and one by none is half of the lines gone."""
    async with follow(seed=BOTS) as worker:
        await put_version(connection, "app", document, EMPTY, follows=1, by=ME)
        await worker.wait_for(2, 20)
        kafka.delete_topic(document.topic)
        kafka.create_topics(document.topic, 1, cleanup_policy="compact")
        async with follow(seed=BOTS) as another:
            await comes(lambda: worker.current == another.current == (1, BOTS))
    assert "Topic was deleted and created again; what it holds now counts." in caplog.text


async def test_a_topic_from_which_no_version_may_come_is_told_of(follow, document, kafka, produce, caplog):
    """What was written to its second partition, or while it was gone, was never used, without a word."""
    async with follow(seed=BOTS) as worker:
        kafka.grow_topic(document.topic, 2)
        produce(document.topic, [EMPTY], [b"2"], partition=1)
        await comes(lambda: "versions are read from the first one only" in caplog.text)
        kafka.delete_topic(document.topic)
        await comes(lambda: "Topic is missing; the version in use stays." in caplog.text)
        assert worker.current == (1, BOTS)


async def test_rules_that_a_worker_cannot_use_leave_it_the_old_ones(follow, connection, document):
    """A topic of an output that was deleted meanwhile, say."""

    async def refuse(compiled):
        if compiled[0] == 2:
            raise Misconfigured("topic is missing")

    async with follow(seed=EMPTY, prepare=refuse) as worker:
        await put_version(connection, "app", document, BOTS, follows=1, by=ME)
        await put_version(connection, "app", document, BOTS, follows=2, by=ME)
        await worker.wait_for(3, 20)
        assert worker.current == (3, BOTS)


@pytest.mark.parametrize("topic", ["cdn-logs", "dead-letters", "dataflow-expedia-changelog", "not-there"])
async def test_an_output_goes_to_a_topic_that_is_there_and_for_lines(connection, topic):
    """Not in a circle, not into our own books, not nowhere."""
    rules = read_document(b'{"outputs":[{"name":"a","topic":"%b"}]}' % topic.encode(), "rules")
    with pytest.raises(Misconfigured, match=f"topic of an output is '{topic}'; expected one that"):
        await check_outputs(connection, rules)


async def test_the_last_records_are_those_of_every_partition(connection, create_topics, produce, unique):
    """As many of each, and no more than there are."""
    topic = unique("lines")
    create_topics(topic, partitions=2)
    for partition in (0, 1):
        produce(topic, [b"%d-%d" % (partition, n) for n in range(10)], partition=partition)

    async def last(count):
        return sorted([value async for some in last_records(connection, topic, count) for value in some])

    assert await last(4) == [b"0-8", b"0-9", b"1-8", b"1-9"]
    assert len(await last(1_000)) == 20
