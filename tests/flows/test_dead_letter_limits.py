"""Dead-letter limits: when hardly anything can be used, the fault is likely ours, and the worker stops."""

from random import randbytes

import pytest
from chaos.cluster import DEAD_LETTERS, Cluster
from chaos.flows import outcome
from confluent_kafka import Producer

from dataflow.demo.samples import sample_events

LARGEST_BATCH = 1_048_588  # bytes; the broker's default
LARGEST_EVENT = LARGEST_BATCH - 100  # what a record batch needs for itself, and some to spare

GOOD = sample_events("expedia")[:50]


def _stopped(cluster: Cluster, values: list[bytes], **limits: str) -> str:
    """Return the log of a worker that was given good events first, and stopped at these."""
    worker = cluster.start_worker(**limits)
    cluster.kafka.produce("expedia", GOOD, partition=0)
    cluster.wait_committed({("expedia", 0): len(GOOD)})
    cluster.kafka.produce("expedia", values, partition=0)

    code = worker.wait_exit()

    assert code not in (0, -9), worker.tail()
    return worker.said()


def _check_nothing_of_the_batch_is_out(cluster: Cluster, values: list[bytes]) -> None:
    committed = cluster.committed("expedia")["expedia", 0]
    sent = cluster.kafka.read_topic("expedia_ext")
    dead = cluster.kafka.read_topic(DEAD_LETTERS)

    assert len(sent) + len(dead) == committed
    assert committed < len(GOOD) + len(values)
    assert [read.value for read in sent[: len(GOOD)]] == [
        outcome("expedia", raw).outputs["expedia_ext"] for raw in GOOD
    ]


def test_a_run_of_dead_letters_stops_the_worker(cluster):
    """A new format of the sender: every event of it would be a dead letter, for days."""
    values = [b"broken %d" % n for n in range(500)]

    said = _stopped(cluster, values, dead_letter_max_consecutive="200")

    assert "partition 0 of expedia has" in said
    assert "dead letters in a row; expected fewer than 200" in said
    assert "Nothing of this batch is committed" in said
    _check_nothing_of_the_batch_is_out(cluster, values)


def test_too_large_a_share_of_dead_letters_stops_the_worker(cluster):
    """A deploy that breaks one event of two must not go on until somebody looks."""
    values = [raw for n, good in enumerate(GOOD * 10) for raw in (good, b"broken %d" % n)]

    said = _stopped(cluster, values, dead_letter_max_ratio="0.3", dead_letter_ratio_window="200")

    assert "expected a share of at most 0.3" in said
    _check_nothing_of_the_batch_is_out(cluster, values)


def test_dead_letters_within_the_limits_stop_nothing(cluster):
    """The limits are an operator's: what is below them is everyday."""
    values = [b"broken %d" % n for n in range(500)]
    worker = cluster.start_worker(dead_letter_max_consecutive="501", dead_letter_ratio_window="501")

    cluster.kafka.produce("expedia", values, partition=0)
    cluster.wait_committed({("expedia", 0): 500})

    assert worker.stop() == 0
    assert [read.value for read in cluster.kafka.read_topic(DEAD_LETTERS)] == values


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        pytest.param(randbytes(LARGEST_EVENT), b"not_utf8", id="random bytes"),
        pytest.param(b'{"x": "%s"}' % (b"x" * (LARGEST_EVENT - 9)), b"too_large", id="a booking"),
    ],
)
def test_an_event_as_large_as_the_broker_takes_is_a_dead_letter_like_others(cluster, event, reason):
    """With headers it is larger than the broker takes elsewhere: a worker must not be stuck there."""
    worker = cluster.start_worker()

    _produce_large(cluster, event)
    cluster.wait_committed({("expedia", 0): 1})

    assert worker.stop() == 0
    [read] = cluster.kafka.read_topic(DEAD_LETTERS)
    assert read.value == event
    assert dict(read.headers)["dataflow-reason"] == reason


def _produce_large(cluster: Cluster, event: bytes) -> None:
    producer = Producer({"bootstrap.servers": cluster.broker.address, "message.max.bytes": 2 * LARGEST_BATCH})
    failed: list[object] = []
    producer.produce("expedia", event, partition=0, on_delivery=lambda error, _: failed.append(error))
    assert producer.flush(30) == 0
    assert failed == [None]
