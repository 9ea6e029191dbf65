"""`dataflow generate` on a real broker: as many events as asked for, stored once."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from dataflow.demo.broker.child_process import start_child


@pytest.fixture
def generate(broker):
    """Return a function that starts the command against the session's broker."""

    def start(*arguments):
        return start_child(
            [sys.executable, "-m", "dataflow", "generate", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "DATAFLOW_BROKER": broker.address},
        )

    return start


@pytest.fixture
def topic(unique, create_topics):
    """Return a topic of two partitions, for events of any time."""
    name = unique("generated")
    create_topics(name, partitions=2, retention_ms=-1)
    return name


def test_a_history_is_stored_once_with_its_event_times(generate, topic, read_topic):
    """The record's timestamp is the event's."""
    process = generate("events", "--rate", "50", "--seconds", "100", "--start", "2026-01-31", "--to", topic)
    told = json.loads(process.communicate(timeout=60)[0])
    stored = read_topic(topic)
    assert (process.returncode, told["events"], told["acknowledged"]) == (0, 5_000, 5_000)
    assert len(stored) == 5_000
    assert {record.partition for record in stored} == {0, 1}
    assert min(record.timestamp for record in stored) == 1_769_817_600_000


def test_a_run_without_end_ends_when_told_to(generate, topic, read_topic):
    """What is under way is still stored and counted."""
    process = generate("page-views", "--rate", "500", "--to", topic)
    deadline = time.monotonic() + 30
    while not read_topic(topic):
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGINT)
    told = json.loads(process.communicate(timeout=30)[0])
    assert process.returncode == 0
    assert told["events"] == told["acknowledged"] == len(read_topic(topic)) > 0


def test_a_topic_that_is_not_there_is_named(generate, unique):
    """A typing error, most often; none is made."""
    process = generate("events", "--seconds", "1", "--to", unique("nowhere"))
    said = process.communicate(timeout=30)[1].decode()
    assert process.returncode == 1
    assert "`dataflow topics` makes the declared ones" in said


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"cleanup_policy": "compact,delete"}, "records without a key (cleanup.policy without compact)"),
        ({"max_message_bytes": 100}, "(max.message.bytes"),
        ({"message_timestamp_before_max_ms": 1_000}, "message.timestamp.type=LogAppendTime"),
    ],
)
def test_a_topic_that_refuses_events_is_named_with_the_reason(
    generate, unique, create_topics, settings: dict[str, object], reason: str
):
    """`InvalidRecord()` was all that was said."""
    name = unique("refusing")
    create_topics(name, partitions=1, **settings)
    process = generate("events", "--rate", "50", "--seconds", "2", "--start", "2026-01-31", "--to", name)
    failed = json.loads(process.communicate(timeout=60)[0])["failed"]
    assert process.returncode == 1
    assert all("events are not stored: " in why and name in why and reason in why for why in failed)
    assert failed
