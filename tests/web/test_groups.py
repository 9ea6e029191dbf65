"""Groups: workers that take some of the streams have a group of their own, and counts do not move with it."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from harness.workers import Worker, running_worker
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.samples import sample_events
from dataflow.settings import Settings
from dataflow.topics import declared_topics

Start = Callable[[str], Worker]

BOOKINGS, VIEWS = "expedia", "raw-web-events"
SETS = ("bookings, events, dead-letters", "web-events,cdn-logs,access-logs")


@contextmanager
def load(broker: EmbeddedBroker) -> Iterator[dict[str, int]]:
    """Send bookings and page views all the while; tell how many it were in the end."""
    kafka, sent, ends = KafkaClient(broker.address), {BOOKINGS: 0, VIEWS: 0}, Event()

    def send() -> None:
        batches = {topic: sample_events(topic)[:20] for topic in sent}
        for partition in cycle((0, 1)):
            if ends.wait(0.05):
                return
            for topic, events in batches.items():
                kafka.produce(topic, events, partition=partition)
                sent[topic] += len(events)

    sender = Thread(target=send)
    sender.start()
    try:
        yield sent
    finally:
        ends.set()
        sender.join()


@pytest.fixture
def start(own_broker: EmbeddedBroker, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a worker of these streams, all for none."""
    topics = [topic.name for topic in declared_topics(Settings()) if not topic.name.endswith("-changelog")]
    KafkaClient(own_broker.address).create_topics(topics, 2)
    with ExitStack() as running:
        yield lambda streams: running.enter_context(
            running_worker(own_broker.address, tmp_path, "shared", DATAFLOW_STREAMS=streams)
        )


def wait_refused(worker: Worker, group: str) -> None:
    """Wait until a worker says that another group has its streams."""
    worker.wait_for("/readyz", lambda reply: re.search(f"group {group} has workers of", reply.body.decode()))


def stop(*workers: Worker) -> None:
    """Stop workers in good order."""
    for worker in workers:
        worker.process.terminate()
    assert [worker.process.wait(60) for worker in workers] == [0] * len(workers)


def test_counts_stay_on_the_way_from_one_group_to_several_and_back(own_broker: EmbeddedBroker, start: Start):
    """Two groups that read one stream would both count it: the new one waits until the old one has gone."""
    with load(own_broker) as sent:
        everything = start("")
        everything.wait_for("/streams", lambda reply: reply.status == 200 and has_some(reply.json))
        some, others = (start(streams) for streams in SETS)
        for worker in (some, others):
            wait_refused(worker, "shared")
        stop(everything)
        for worker in (some, others):
            worker.wait_ready()
        back = start("")
        wait_refused(back, "shared-streams-[a-z.-]+")
    for worker in (some, others):  # each tells of all, as before
        worker.wait_counted(sent)
    assert some.get("/tables/views_per_page?window=all").json["partitions"] == {
        "answered": [0, 1],
        "missing": [],
    }
    stop(some, others)
    back.wait_ready()
    with load(own_broker) as more:
        back.wait_for("/streams", lambda reply: reply.json["streams"][BOOKINGS]["received"] > sent[BOOKINGS])
    back.wait_counted({topic: count + more[topic] for topic, count in sent.items()})


def has_some(answer: Any) -> bool:
    """Tell whether both streams have been counted."""
    return all(answer["streams"][topic]["received"] for topic in (BOOKINGS, VIEWS))
