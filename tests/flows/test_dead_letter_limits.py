"""Dead-letter limits: when hardly anything can be used, the fault is likely ours, and that stream pauses."""

import json
import subprocess
import sys
from random import randbytes
from typing import Any
from urllib.request import urlopen

import pytest
from chaos.cluster import DEAD_LETTERS, Cluster
from chaos.flows import outcome
from chaos.waiting import wait_until
from chaos.worker import Worker
from confluent_kafka import Producer

from dataflow.demo.samples import sample_events

pytestmark = pytest.mark.long

LARGEST_BATCH = 1_048_588  # bytes; the broker's default
LARGEST_EVENT = LARGEST_BATCH - 100  # what a record batch needs for itself, and some to spare

GOOD = sample_events("expedia")[:50]


def _paused(cluster: Cluster, values: list[bytes], **limits: str) -> Worker:
    """Return a worker that was given good events first, and has paused their stream at these."""
    worker = cluster.start_worker(**limits)
    cluster.kafka.produce("expedia", GOOD, partition=0)
    cluster.wait_committed({("expedia", 0): len(GOOD)})
    cluster.kafka.produce("expedia", values, partition=0)
    wait_until(lambda: _status(worker)["state"] == "paused", 60, lambda: f"a pause of {worker.tail()}")
    return worker


def _status(worker: Worker) -> Any:
    status, answer = worker.ask("/streams")
    return answer["states"]["expedia"] if status == 200 else {"state": None}


def _check_nothing_of_the_batch_is_out(cluster: Cluster, values: list[bytes]) -> None:
    committed = cluster.committed("expedia")["expedia", 0]
    sent = cluster.kafka.read_topic("expedia_ext")
    dead = cluster.kafka.read_topic(DEAD_LETTERS)

    assert len(sent) + len(dead) == committed
    assert committed < len(GOOD) + len(values)
    assert [read.value for read in sent[: len(GOOD)]] == [
        outcome("expedia", raw).outputs["expedia_ext"] for raw in GOOD
    ]


def test_a_stream_with_a_run_of_dead_letters_pauses_alone_and_goes_on_by_command(cluster):
    """A new format of one sender: for days every event of it would be a dead letter, or nothing would run."""
    values = [b"broken %d" % n for n in range(500)]
    views = sample_events("raw-web-events")[:40]
    worker = _paused(cluster, values, dead_letter_max_consecutive="200")

    cluster.kafka.produce("raw-web-events", views, partition=0)
    cluster.wait_committed({("raw-web-events", 0): len(views)})
    _check_nothing_of_the_batch_is_out(cluster, values)
    status, ready = worker.ask("/readyz")
    pause = _status(worker)["pause"]
    assert (status, ready["paused"]) == (200, {"expedia": pause})
    assert (pause["cause"], _status(worker)["paused"]) == ("dead_letters", [0, 1, 2, 3])
    assert "dead letters in a row; expected fewer than 200" in pause["detail"]
    assert "dataflow streams resume expedia" in pause["awaited"]
    assert "Stream pauses; the others go on." in worker.said()
    metrics = urlopen(f"http://127.0.0.1:{worker.port}/metrics").read().decode()
    assert 'dataflow_stream_paused{cause="dead_letters",stream="expedia"} 1.0' in metrics

    answer = _resume(worker)
    cluster.wait_committed({("expedia", 0): len(GOOD) + len(values)})

    assert answer == {"stream": "expedia", "resumed": [f"http://127.0.0.1:{worker.port}"]}
    assert [read.value for read in cluster.kafka.read_topic(DEAD_LETTERS)] == values
    assert _status(worker) == {"state": "running", "paused": [], "pause": None}
    assert _resume(worker)["resumed"] == []
    assert worker.stop() == 0


def _resume(worker: Worker) -> Any:
    command = [sys.executable, "-m", "dataflow", "streams", "resume", "expedia"]
    done = subprocess.run(command, env=worker.environment, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_stream_with_too_large_a_share_of_dead_letters_goes_on_after_a_restart(cluster):
    """A deploy that breaks one event of two must not go on until somebody looks."""
    values = [raw for n, good in enumerate(GOOD * 10) for raw in (good, b"broken %d" % n)]
    worker = _paused(cluster, values, dead_letter_max_ratio="0.3", dead_letter_ratio_window="200")

    assert "expected a share of at most 0.3" in _status(worker)["pause"]["detail"]
    _check_nothing_of_the_batch_is_out(cluster, values)
    assert worker.stop() == 0
    worker.environment["DATAFLOW_DEAD_LETTER_MAX_RATIO"] = "0.6"
    worker.start()
    cluster.wait_committed({("expedia", 0): len(GOOD) + len(values)})
    assert len(cluster.kafka.read_topic(DEAD_LETTERS)) == 500


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
