"""Replay on a real broker: every letter back once, whatever breaks off."""

import asyncio
import os
from dataclasses import replace
from itertools import repeat

import pytest

from dataflow import topics
from dataflow.catalogue.declared import STREAMS
from dataflow.connection import broker_connection
from dataflow.dead_letters import letter_reader as reading
from dataflow.dead_letters import replay as replaying
from dataflow.dead_letters import selection
from dataflow.dead_letters.json_views import list_of_letters, page_of_letter
from dataflow.dead_letters.letter import LetterFilter
from dataflow.dead_letters.letter_reader import letter_reader
from dataflow.dead_letters.replay import replay
from dataflow.dead_letters.selection import preview_replay
from dataflow.errors import DataflowError
from dataflow.settings import Settings

pytestmark = pytest.mark.long

NOTES = ("stage", "reason", "detail", "topic", "partition", "offset", "timestamp")


@pytest.fixture
def place(broker, create_topics, unique, monkeypatch):
    """Return the names of a dead-letter topic, its marks and a source of their own; with the connection."""
    names = {name: unique(name) for name in ("dead-letters", "dead-letters-replayed", "source")}
    for module, constant, name in (
        (reading, "DEAD_LETTERS", "dead-letters"),
        (selection, "DEAD_LETTERS", "dead-letters"),
        (reading, "DEAD_LETTERS_REPLAYED", "dead-letters-replayed"),
        (selection, "DEAD_LETTERS_REPLAYED", "dead-letters-replayed"),
        (replaying, "DEAD_LETTERS_REPLAYED", "dead-letters-replayed"),
    ):
        monkeypatch.setattr(module, constant, replace(getattr(module, constant), name=names[name]))
    create_topics(names["dead-letters"], partitions=2, message_timestamp_type="LogAppendTime")
    create_topics(names["dead-letters-replayed"], partitions=2, cleanup_policy="compact")
    create_topics(names["source"], partitions=3, retention_ms=-1)  # its events are of 2020
    return names | {"connection": broker_connection(Settings(broker=broker.address)), "app": unique("app")}


@pytest.fixture
def bury(place, produce):
    """Return a function that makes dead letters of some values."""

    def bury(*values, topic=None, stage="stage", reason="not_json", partition=0, own=(), key=b"k"):
        told = (stage, reason, "why", topic or place["source"], 2, 55, 1_600_000_000_123)
        headers = [(f"dataflow-{n}", str(v).encode()) for n, v in zip(NOTES, told, strict=True)]
        produce(
            place["dead-letters"], values, keys=repeat(key), headers=[*headers, *own], partition=partition
        )

    return bury


async def back(place, limit=None, **letter_filter):
    """Replay; return how many went back, and how many had before."""
    told = await replay(place["connection"], place["app"], LetterFilter(**letter_filter), "user ann", limit)
    return told.replayed, told.already_replayed


async def test_an_event_goes_back_as_it_was(place, bury, read_topic):
    """Bytes, key, own headers, timestamp and partition; beside them only the count of tries."""
    bury(b"\xff\x00", None, own=[("trace", b"7"), ("dataflow-tries", b"4")])
    assert await back(place) == (2, 0)
    first, second = read_topic(place["source"])
    assert (first.value, second.value) == (b"\xff\x00", None)
    assert (first.key, first.partition, first.timestamp) == (b"k", 2, 1_600_000_000_123)
    assert first.headers == (("trace", b"7"), ("dataflow-tries", b"5"))


async def test_a_preview_tells_what_a_replay_would_do_and_does_nothing(place, bury, read_topic, unique):
    """Who is asked whether to send back a million letters wants to know where to; and then it is so."""
    bury(b"a", b"b")
    bury(b"c", topic=unique("gone"))
    assert await back(place, places=frozenset({(0, 0)})) == (1, 0)
    previews = [await preview_replay(place["connection"], LetterFilter(), limit) for limit in (None, 0)]
    assert [(one.replayed, one.already_replayed, one.complete) for one in previews] == [
        (1, 1, True),
        (0, 1, False),
    ]
    assert (previews[0].topics, sum(previews[0].impossible.values())) == ({place["source"]: 1}, 1)
    assert len(read_topic(place["source"])) == 1
    assert await back(place) == (1, 1)


async def test_a_stage_or_a_topic_that_does_not_exist_is_refused(place, bury, unique):
    """A misspelt name gave an empty list; a name that letters have is none, whoever wrote them."""
    bury(b"a", stage="of another program", topic=unique("gone"))
    connection = place["connection"]
    for known in (
        {"stage": "of another program"},
        {"stage": "of another program", "to_ms": 1},
        {"stage": "sink-postgres"},
        {"stage": "ingest"},
        {"topic": unique("gone")},
        {"topic": place["source"]},
    ):
        await list_of_letters(connection, LetterFilter(**known), 10)
        await preview_replay(connection, LetterFilter(**known))
    for wrong, meant in (({"stage": "stay-categry"}, "'stay-category'"), ({"topic": "no-topic"}, "")):
        for asked in (list_of_letters(connection, LetterFilter(**wrong), 10), back(place, **wrong)):
            with pytest.raises(DataflowError, match=f"is '{next(iter(wrong.values()))}'; expected.*{meant}"):
                await asked


async def test_events_that_are_counted_already_are_told_before_they_go_back(place, bury, monkeypatch):
    """Only a sink of the source refused them: the page and the command said nothing of the second count."""
    [stream, *others] = STREAMS
    source = replace(stream.source, name=place["source"])
    monkeypatch.setattr(selection, "STREAMS", (replace(stream, source=source), *others))
    bury(b"a", stage="sink-postgres")
    bury(b"b", b"c", stage="ingest")
    preview = await preview_replay(place["connection"], LetterFilter())
    done = await replay(place["connection"], place["app"], LetterFilter(), "user ann", None)
    assert (preview.replayed, preview.counted_again) == (done.replayed, done.counted_again) == (3, 1)


async def test_a_second_replay_sends_only_what_is_new(place, bury, read_topic):
    """The marks are read first."""
    bury(*(b"%d" % n for n in range(30)))
    bury(*(b"%d" % n for n in range(30, 40)), partition=1)
    assert await back(place) == (40, 0)
    bury(b"40")
    assert await back(place) == (1, 40)
    assert sorted(int(r.value) for r in read_topic(place["source"])) == list(range(41))


async def test_a_mark_that_somebody_has_overwritten_is_named_and_nothing_goes_back(place, bury, produce):
    """What it named may have gone back; beside it stands what is none, and is passed over."""
    bury(b"a")
    produce(place["dead-letters-replayed"], [b"hello"], keys=[b"somebody else's"], partition=0)
    assert await back(place) == (1, 0)
    produce(place["dead-letters-replayed"], [b"hello"], keys=[b"0/0"], partition=0)
    with pytest.raises(DataflowError, match=r"key 0/0, is no mark of a replay .*; expected what `dataflow"):
        await back(place)


async def test_only_what_is_meant_goes_back(place, bury, read_topic):
    """By stage, reason, topic and place; the rest stays for another day."""
    bury(b"a", stage="x")
    bury(b"b", reason="empty")
    bury(b"c", partition=1)
    assert await back(place, stage="x") == (1, 0)
    assert await back(place, reason="empty") == (1, 0)
    assert await back(place, topic=place["dead-letters"]) == (0, 0)
    assert await back(place, places=frozenset({(1, 0), (0, 99)})) == (1, 0)
    assert [r.value for r in read_topic(place["source"])] == [b"a", b"b", b"c"]


async def test_a_place_without_a_letter_is_named(place, bury):
    """A mistyped offset, or one that retention has deleted: an operator took "0 sent back" for done."""
    bury(b"a", b"b", stage="x")
    places = frozenset({(0, 0), (0, 1), (0, 99), (7, 0)})
    preview = await preview_replay(place["connection"], LetterFilter(places=places))
    told = await replay(place["connection"], place["app"], LetterFilter(places=places), "user ann")
    nothing = "no dead letter is there, or none that meets the other conditions"
    for result in (preview, told):
        assert (result.replayed, result.impossible) == (2, {f"{nothing}: 0/99, 7/0": 2})
    other = await preview_replay(place["connection"], LetterFilter(stage="y", places=frozenset({(0, 1)})))
    assert other.impossible == {f"{nothing}: 0/1": 1}


async def test_a_limit_takes_the_oldest_and_the_next_replay_goes_on(place, bury, read_topic):
    """A thousand at a time, say."""
    bury(*(b"%d" % n for n in range(9)))
    told = [await back(place, limit=4) for _ in range(3)]
    assert told == [(4, 0), (4, 4), (1, 8)]
    assert [int(r.value) for r in read_topic(place["source"])] == list(range(9))


async def test_a_replay_that_breaks_off_doubles_and_loses_nothing(place, bury, read_topic, monkeypatch):
    """It is cancelled within a transaction: its letters are neither back nor marked."""
    monkeypatch.setattr(replaying, "LETTERS_AT_ONCE", 10)
    bury(*(b"%d" % n for n in range(35)))
    calls = 0
    mark_of = replaying.mark_of

    def breaks_off(partition, offsets):
        nonlocal calls
        calls += 1
        if calls == 3:
            raise asyncio.CancelledError
        return mark_of(partition, offsets)

    monkeypatch.setattr(replaying, "mark_of", breaks_off)
    with pytest.raises(asyncio.CancelledError):
        await back(place)
    assert len(read_topic(place["source"])) == 20
    assert await back(place) == (15, 20)
    assert sorted(int(r.value) for r in read_topic(place["source"])) == list(range(35))


async def test_two_replays_at_once_double_nothing(place, bury, read_topic, monkeypatch):
    """The later one fences the earlier, which says so; together they send each letter once."""
    monkeypatch.setattr(replaying, "LETTERS_AT_ONCE", 5)
    bury(*(b"%d" % n for n in range(60)))
    told = await asyncio.gather(*(back(place) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(one, tuple | replaying.AnotherReplay) for one in told), told
    await back(place)
    assert sorted(int(r.value) for r in read_topic(place["source"])) == list(range(60))


async def test_what_cannot_go_back_is_told_and_stays(place, bury, read_topic, kafka, unique):
    """A topic that is gone, one that is too small, a record of nowhere, a dead letter of dead letters."""
    small = unique("small")
    kafka.create_topics(small, max_message_bytes=1_000)
    bury(b"good")
    bury(b"a", topic=unique("gone"))
    bury(os.urandom(3_000), topic=small)
    bury(b"b", topic=place["dead-letters"])
    told = await replay(place["connection"], place["app"], LetterFilter(), "user ann")
    assert (told.replayed, sum(told.impossible.values())) == (1, 3)
    assert any("too large" in why for why in told.impossible)
    bury(b"better")
    assert await back(place) == (1, 1)
    assert [r.value for r in read_topic(place["source"])] == [b"good", b"better"]


async def test_a_letter_that_its_topic_refuses_holds_up_no_other_of_the_same_partition(
    place, bury, read_topic, kafka, unique
):
    """Aiokafka has given it a sequence number, and the broker takes none that comes after the gap."""
    small = unique("small")
    kafka.create_topics(small, partitions=3, max_message_bytes=1_000, retention_ms=-1)
    bury(os.urandom(3_000), b"1", b"2", b"3", topic=small)
    assert await back(place) == (3, 0)
    assert sorted(r.value for r in read_topic(small)) == [b"1", b"2", b"3"]
    assert await back(place) == (0, 3)


async def test_a_letter_whose_timestamp_its_topic_refuses_goes_back_without_one(
    place, bury, read_topic, kafka, unique
):
    """It failed the replay, and each one after it."""
    of_now = unique("now")
    kafka.create_topics(of_now, partitions=3, message_timestamp_before_max_ms=3_600_000)
    bury(b"1", b"2", b"3", topic=of_now)
    assert await back(place) == (3, 0)
    assert {(r.value, r.timestamp) for r in read_topic(of_now)} == {(b"1", -1), (b"2", -1), (b"3", -1)}
    assert await back(place) == (0, 3)


async def test_the_newest_are_listed_first_with_what_became_of_them(place, bury):
    """Over all partitions."""
    bury(*(b"%d" % n for n in range(700)))
    await back(place, limit=1)
    bury(b"last", partition=1, reason="empty", key=None)
    connection = place["connection"]
    listed = await list_of_letters(connection, LetterFilter(), 2)
    oldest = await list_of_letters(connection, LetterFilter(places=frozenset({(0, 0)})), 5)
    found = [(row.partition, row.offset, row.reason) for row in listed.dead_letters]
    assert (found, listed.complete) == ([(1, 0, "empty"), (0, 699, "not_json")], False)
    assert [(row.offset, row.replayed) for row in oldest.dead_letters] == [(0, True)]
    assert (await list_of_letters(connection, LetterFilter(reason="empty"), 5)).complete
    page = await page_of_letter(connection, (1, 0))
    assert (page.value_base64, page.key_base64, page.origin.timestamp) == (
        "bGFzdA==", None, "2020-09-13T12:26:40.123Z",
    )  # fmt: skip
    assert await page_of_letter(connection, (1, 1)) is None
    assert await page_of_letter(connection, (7, 0)) is None


async def test_time_selects_by_when_it_became_a_dead_letter(place, bury):
    """The event itself is of 2020."""
    bury(b"a")
    first = (await list_of_letters(place["connection"], LetterFilter(), 1)).dead_letters[0]
    async with letter_reader(place["connection"]) as reader:
        at_ms = (await reader.at((0, 0))).at_ms
        early = await reader.newest(LetterFilter(to_ms=at_ms), 5)
        late = await reader.newest(LetterFilter(from_ms=at_ms), 5)
        none = await reader.newest(LetterFilter(from_ms=at_ms + 10_000), 5)
    assert first.at > "2026"
    assert [len(found.letters) for found in (early, late, none)] == [0, 1, 0]


async def test_marks_of_another_dead_letter_topic_are_refused(place, bury, kafka):
    """It was deleted and created again: the marks would keep new letters from going back."""
    bury(b"a")
    await back(place)
    kafka.produce(place["dead-letters-replayed"], [b"[[5,9]]"], [b"1/5"])
    with pytest.raises(DataflowError, match="names dead letters that do not exist"):
        await back(place)


def test_the_topics_are_declared():
    """A mark is kept as long as its letter may be; a letter from the day it became one."""
    declared = {topic.name: topic.configs for topic in topics.declared_topics(Settings())}
    assert dict(declared["dead-letters-replayed"]) == {
        "cleanup.policy": "compact",
        "message.timestamp.type": "LogAppendTime",
    }
    assert declared["dead-letters"]["message.timestamp.type"] == "LogAppendTime"


async def test_letters_of_a_topic_that_is_created_again_can_go_back(place, bury, kafka, create_topics):
    """The marks of as many letters of the first topic kept them from it, without a word."""
    bury(b"a", b"b")
    assert await back(place) == (2, 0)
    await asyncio.to_thread(kafka.delete_topic, place["dead-letters"])
    create_topics(place["dead-letters"], partitions=2, message_timestamp_type="LogAppendTime")
    bury(b"c", b"d", b"e")
    assert await back(place) == (3, 0)
    assert await back(place) == (0, 3)
