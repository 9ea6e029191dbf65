"""`dataflow produce` on a real broker: every line stored once, or named."""

import gzip
import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def dataflow(broker):
    """Return a function that runs the command against the session's broker."""

    def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "dataflow", *arguments],
            input=stdin,
            capture_output=True,
            env={**os.environ, "DATAFLOW_BROKER": broker.address},
            check=False,
            timeout=60,
        )

    return run


@pytest.fixture
def topic(unique, create_topics) -> str:
    """Return a topic of two partitions."""
    name = unique("lines")
    create_topics(name, partitions=2)
    return name


def test_every_line_is_stored_once_and_as_it_was(dataflow, topic, read_topic, tmp_path):
    """Packed or not, with carriage returns, empty, or no text at all."""
    lines = [b'{"n": %d}\r' % number for number in range(3000)] + [b"", b"\xff\x00"]
    file = tmp_path / "lines.gz"
    file.write_bytes(gzip.compress(b"\n".join(lines)))
    done = dataflow("produce", topic, str(file))
    told = json.loads(done.stdout)
    stored = read_topic(topic)
    assert done.returncode == 0
    assert told == {
        "topic": topic,
        "lines": 3002,
        "acknowledged": 3002,
        "too_large": [],
        "failed": [],
    }
    assert sorted(message.value for message in stored) == sorted(lines)
    assert {message.partition for message in stored} == {0, 1}


def test_a_compacted_topic_takes_no_lines(dataflow, unique, create_topics):
    """It was `[Error -1] UnknownError`: what it is, and the command that does it, are what helps."""
    name = unique("rules")
    create_topics(name, partitions=1, cleanup_policy="compact")
    done = dataflow("produce", name, "-", stdin=b"[]\n")
    assert done.returncode != 0
    assert b"compacted topic cannot accept message without key" in done.stderr
    assert b"dataflow rules put FILE" in done.stderr


def test_a_line_too_large_is_named_and_the_rest_is_stored(dataflow, topic, read_topic):
    """One monster must not hold ten thousand lines back, nor vanish."""
    lines = [b"a", b"x" * 1_200_000, b"b", b"y" * 900_000]
    done = dataflow("produce", topic, "-", stdin=b"\n".join(lines) + b"\n")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["acknowledged"], told["too_large"]) == (3, [2])
    assert sorted(len(message.value) for message in read_topic(topic)) == [1, 1, 900_000]


def test_a_damaged_file_is_stored_up_to_the_damage(dataflow, topic, read_topic, tmp_path):
    """What came before is acknowledged, and the exit code says there was more."""
    file = tmp_path / "broken.gz"
    file.write_bytes(gzip.compress(b"".join(b"%d\n" % number for number in range(50_000)))[:-9])
    done = dataflow("produce", topic, str(file))
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert told["acknowledged"] == told["lines"] == len(read_topic(topic)) > 0
    assert "truncated gzip" in told["failed"][0]


def test_an_unknown_topic_is_refused_with_those_that_exist(dataflow, topic, unique):
    """A typing error, most often."""
    done = dataflow("produce", unique("nowhere"), "-", stdin=b"a\n")
    assert done.returncode == 1
    assert "; expected " in done.stderr.decode()
    assert topic in done.stderr.decode()
