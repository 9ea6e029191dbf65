"""A broker that is away with a partition of the dead letters: the others are listed at once."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from confluent_kafka import Producer
from harness.second_broker import TwoBrokers, two_brokers

from dataflow.connection import broker_connection
from dataflow.dead_letters.json_views import list_of_letters
from dataflow.dead_letters.letter import LetterFilter
from dataflow.dead_letters.replay import replay
from dataflow.dead_letters.selection import preview_replay
from dataflow.errors import DataflowError
from dataflow.settings import Settings

pytestmark = pytest.mark.long

MOST_SECONDS = 5
HEADERS = [("dataflow-stage", b"stage"), ("dataflow-reason", b"not_json"), ("dataflow-topic", b"expedia")]


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[TwoBrokers]:
    """Return two brokers; the second has partition 1 of the dead letters. Each partition has a letter."""
    with two_brokers(tmp_path) as running_ones:
        running_ones.place_declared("dead-letters", [1, 2])
        producer = Producer({"bootstrap.servers": running_ones.first.address})
        for partition in (0, 1):
            producer.produce("dead-letters", b"{", partition=partition, headers=HEADERS)
        assert producer.flush(30) == 0
        yield running_ones


@pytest.fixture
def connection(brokers: TwoBrokers) -> Mapping[str, object]:
    """Return how the first broker is reached."""
    return broker_connection(Settings(broker=brokers.first.address))


def test_letters_of_partitions_with_a_leader_are_listed(brokers, connection):
    """The whole list had no answer; who is on call wants it just then."""
    brokers.kill_second("dead-letters")
    begun = time.monotonic()
    answer = asyncio.run(list_of_letters(connection, LetterFilter(), 10))
    assert time.monotonic() - begun < MOST_SECONDS
    assert [(row.partition, row.offset) for row in answer.dead_letters] == [(0, 0)]
    assert (answer.complete, answer.leaderless_partitions) == (False, [1])


def test_what_is_sent_back_is_said_to_lack_a_partition(brokers, connection):
    """A replay of all would be one of some: it is refused; one of places that can be read is not."""
    brokers.kill_second("dead-letters")
    for asked in (LetterFilter(), LetterFilter(places=frozenset({(0, 0), (1, 0)}))):
        with pytest.raises(DataflowError, match="partition 1 of dead-letters has no leader"):
            asyncio.run(preview_replay(connection, asked, None))
    result = asyncio.run(replay(connection, "app", LetterFilter(places=frozenset({(0, 0)})), "anna"))
    assert (result.replayed, dict(result.impossible)) == (1, {})
