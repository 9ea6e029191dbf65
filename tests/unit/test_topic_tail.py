"""Topic tail: who looks at a topic harms nobody, however many there are and however slow they are."""

import asyncio
import json
from contextlib import ExitStack

import pytest
from aiohttp.typedefs import Handler
from aiohttp.web import Request, StreamResponse, middleware
from harness.served_routes import access_file, asked, serving

from dataflow.http_error import OWN_FAULT, HttpError
from dataflow.web.topic_tail import MOST_BUFFERED, MOST_LISTENERS, TailListener, TopicTail, TopicTails
from dataflow.web.topics import _frames

NOBODY_THERE = {"bootstrap_servers": ["127.0.0.1:1"], "security_protocol": "PLAINTEXT"}


@middleware
async def real_views(request: Request, handler: Handler) -> StreamResponse:
    """Let the views answer."""
    return await handler(request)


@pytest.fixture
async def served(tmp_path, monkeypatch):
    """Return where a worker with an access file serves."""
    async for each in serving(monkeypatch, views=real_views, access_file=access_file(tmp_path)):
        yield each


def test_a_slow_page_gets_the_newest_events_and_is_told_what_it_missed():
    """What waits for it has a bound; the events that came while it was away are counted."""
    listener = TailListener([b"0"])
    for number in range(1, MOST_BUFFERED + 10):
        listener.put([b"%d" % number], 0)
    listener.put([], 7)
    events, skipped = listener.take()
    assert (len(events), events[-1], skipped) == (MOST_BUFFERED, b"%d" % (MOST_BUFFERED + 9), 10 + 7)
    assert listener.take() == ([], 0)


def test_what_is_sent_is_one_event_of_the_stream_each_time():
    """Events, why there are none, or a sign of life: all of it in the form that browsers read."""
    listener = TailListener([])
    assert _frames(listener) == b": still here\n\n"
    listener.put([b'{"a":1}', b'{"b":2}'], 3)
    name, data = _frames(listener).decode().rstrip("\n").split("\n")
    assert name == "event: events"
    events = [{"a": 1}, {"b": 2}]
    assert json.loads(data.removeprefix("data: ")) == {
        "skipped": 3,
        "leaderless_partitions": [],
        "events": events,
    }
    listener.put([], 0, "broker is\naway")
    assert _frames(listener) == b'event: fault\ndata: {"error":"broker is\\naway"}\n\n'
    listener.put([b'{"c":3}'], 0, "broker is away")
    named = [line for line in _frames(listener).split(b"\n") if line.startswith(b"event: ")]
    assert named == [b"event: events", b"event: fault"], "what came before the fault is shown"


def test_partitions_without_a_leader_are_named_once_and_to_who_comes_later():
    """A page that shows nothing of them has to say so, also while no events come; and when they are back."""
    listener = TailListener([], [1])
    assert b'"leaderless_partitions":[1],"events":[]' in _frames(listener)
    assert _frames(listener) == b": still here\n\n"
    listener.lack([])
    assert b'"leaderless_partitions":[],"events":[]' in _frames(listener)


async def test_a_topic_that_cannot_be_read_says_why_and_is_let_go_with_its_last_listener():
    """While Kafka is away a page says so; after it was closed nothing asks any more."""
    tail = TopicTail(NOBODY_THERE, "expedia")
    first, second = tail.begin(), tail.begin()
    async with asyncio.timeout(30):
        while not (first.fault and second.fault):
            await first.news.wait()
            first.take()
            await asyncio.sleep(0)
    tail.end(first)
    assert tail._task is not None
    assert not tail._task.cancelling()
    tail.end(second)
    await asyncio.wait([tail._task], timeout=30)
    assert tail._task.cancelled()


class Unreadable(TopicTail):
    """Has a record that aiokafka cannot read: the name of a header is no UTF-8."""

    async def _follow(self) -> None:
        b"\xff".decode()


async def test_a_record_that_nobody_can_read_is_said_and_does_not_end_the_tail():
    """Its pages would show nothing more, and say nothing, until the last of them was closed."""
    tail = Unreadable(NOBODY_THERE, "expedia")
    listener = tail.begin()
    async with asyncio.timeout(30):
        await listener.news.wait()
        listener.take()
        await listener.news.wait()
    assert listener.fault == OWN_FAULT
    assert tail._task is not None
    assert not tail._task.done()
    tail.end(listener)
    await asyncio.wait([tail._task], timeout=30)


async def test_only_so_many_pages_follow_topics_of_a_worker():
    """One too many is put off, and has a place as soon as another one leaves."""
    tails = TopicTails(NOBODY_THERE)
    with ExitStack() as most:
        for number in range(MOST_LISTENERS):
            most.enter_context(tails.listen(f"topic-{number % 3}"))
        with pytest.raises(HttpError) as refusal, tails.listen("topic-0"):
            pass
        assert refusal.value.status == 429
    with tails.listen("topic-0"):
        pass
    await asyncio.sleep(0)  # the tasks end


@pytest.mark.parametrize(
    ("client", "topic", "status"),
    [
        ("nobody", "expedia", 401),
        ("reader", "dead-letters", 403),
        ("reader", "audit-log", 404),
        ("editor", "dataflow-expedia-changelog", 404),
        ("editor", "nonsense", 404),
    ],
)
async def test_nobody_looks_at_what_is_not_for_them(served, client: str, topic: str, status: int):
    """Dead letters are shown as they were sent, to editors alone; our own books to nobody."""
    assert await asked(served, client, "GET", f"/topics/{topic}/tail?seconds=1") == status
