"""`dataflow rules`, `utm-sources` and `dead-letters` against a real broker, without a worker."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from kafka_client import KafkaClient

from dataflow.cli.author import command_author
from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.child_process import start_child
from dataflow.demo.samples import sample_filter_rules

pytestmark = pytest.mark.long

NOTES = ("stage", "reason", "detail", "topic", "partition", "offset", "timestamp")


@pytest.fixture(scope="module")
def dataflow(tmp_path_factory):
    """Return a function that starts a command; all of them against one broker with the declared topics."""
    broker = EmbeddedBroker(tmp_path_factory.mktemp("broker"))
    broker.start()
    broker.wait_ready()

    def start(*arguments, stream=subprocess.PIPE):
        return start_child(
            [sys.executable, "-m", "dataflow", *arguments],
            stdin=stream,
            stdout=stream,
            stderr=stream,
            env={**os.environ, "DATAFLOW_BROKER": broker.address, "DATAFLOW_PARTITIONS": "1"},
        )

    start.address = broker.address
    run(start, "topics")
    yield start
    broker.stop()


def run(start, *arguments, stdin=b""):
    """Run a command; return its exit code, its output and what it said."""
    process = start(*arguments)
    told, said = process.communicate(stdin, timeout=60)
    return process.returncode, told, said.decode()


def test_rules_are_put_shown_and_put_again_only_on_what_was_seen(dataflow, tmp_path):
    """As over HTTP."""
    sample = str(sample_filter_rules())
    assert run(dataflow, "rules", "show")[1] == b"[]\n"
    assert run(dataflow, "rules", "put", sample, "--follows", "0")[:2] == (0, b'{"version":1}\n')
    code, told, said = run(dataflow, "rules", "show")
    assert (code, json.loads(told), said.strip()) == (
        0,
        json.loads(sample_filter_rules().read_bytes()),
        "version 1",
    )
    code, _, said = run(dataflow, "rules", "put", sample, "--follows", "0")
    assert (code, said.strip()) == (1, "version of the filter rules is 1; expected 0")


def test_the_log_of_rules_names_authors_and_a_revert_goes_back(dataflow):
    """Another version has been put since the first; the file of it may be gone."""
    first = json.loads(run(dataflow, "rules", "show", "1")[1])
    assert run(dataflow, "rules", "put", "-", "--follows", "1", stdin=b"[]")[0] == 0
    assert json.loads(run(dataflow, "rules", "show")[1]) == []
    code, _, said = run(dataflow, "rules", "revert", "1", "--follows", "1")
    assert (code, said.strip()) == (1, "version of the filter rules is 2; expected 1")
    assert run(dataflow, "rules", "revert", "1", "--follows", "2")[:2] == (0, b'{"version":3}\n')
    assert json.loads(run(dataflow, "rules", "show")[1]) == first
    listed = json.loads(run(dataflow, "rules", "log")[1])["versions"]
    assert [(row["version"], row["reverts"]) for row in listed] == [(3, 1), (2, None), (1, None)]
    assert {row["author"] for row in listed} == {command_author()}
    assert [row["at"] for row in listed] == sorted((row["at"] for row in listed), reverse=True)
    assert len(json.loads(run(dataflow, "rules", "log", "--limit", "1")[1])["versions"]) == 1
    for command in ("show", "revert"):
        code, _, said = run(dataflow, "rules", command, "9")
        assert code == 1
        assert "version of the filter rules is 9; expected one that is kept: 0-3" in said


def test_bad_rules_are_named_and_not_put(dataflow):
    """From stdin, too."""
    bad = b'[{"fieldName":"f","regex":"(?=x)"}]'
    for command in ("check", "put"):
        code, _, said = run(dataflow, "rules", command, "-", stdin=bad)
        assert code == 2
        assert "rule 1: regex is '(?=x)'; expected one that RE2 can run" in said


def test_a_trial_of_lines_needs_no_broker_and_one_of_a_topic_reads_it(dataflow, tmp_path):
    """The same answer either way."""
    lines = tmp_path / "lines"
    lines.write_bytes(b'{"reqPath":"a"}\n{"reqPath":"b"}\nx\n')
    rules = tmp_path / "rules"
    rules.write_bytes(b'[{"name":"a","drop":{"field":"reqPath","matches":"a"}}]')
    assert run(dataflow, "produce", "cdn-logs", str(lines))[0] == 0
    of_lines = run(dataflow, "rules", "dry-run", str(lines), "--rules", str(rules))
    of_topic = run(dataflow, "rules", "dry-run", "--topic", "cdn-logs", "--rules", str(rules))
    told = json.loads(of_lines[1])
    assert of_lines == of_topic
    assert (told["kept"], told["dropped"], told["dead_lettered"]) == (1, {"a": 1}, {"not_json": 1})


def test_utm_sources_are_kept_the_same_way(dataflow):
    """Those that come with the program come first."""
    sources = json.loads(run(dataflow, "utm-sources", "show")[1])
    changed = json.dumps(sources | {"tiktok": "social_media"}).encode()
    assert run(dataflow, "utm-sources", "put", "-", "--follows", "0", stdin=changed)[0] == 0
    assert json.loads(run(dataflow, "utm-sources", "show")[1]) == sources | {"tiktok": "social_media"}


def test_a_replay_that_is_killed_doubles_and_loses_nothing(dataflow):
    """At any moment; the next one sends what is left."""
    kafka = KafkaClient(dataflow.address)
    headers = [(f"dataflow-{name}", b"0") for name in NOTES]
    headers[1], headers[3] = ("dataflow-reason", b"not_json"), ("dataflow-topic", b"expedia")
    headers[6] = "dataflow-timestamp", b"%d" % (time.time() * 1000)  # retention takes what is old
    kafka.produce("dead-letters", (b"%d" % n for n in range(20_000)), headers=headers)
    process = dataflow("dead-letters", "replay", "--wait", "0")
    deadline = time.monotonic() + 100
    while not 0 < len(kafka.read_topic("expedia")) < 20_000:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert json.loads(run(dataflow, "dead-letters", "replay", "--dry-run")[1])["topics"].keys() == {"expedia"}
    code, told, _ = run(dataflow, "dead-letters", "replay", "--wait", "0")
    result = json.loads(told)
    assert code == 0
    assert result["replayed"] + result["already_replayed"] == 20_000
    assert 0 < result["already_replayed"] < 20_000
    assert sorted(int(record.value) for record in kafka.read_topic("expedia")) == list(range(20_000))


def on_a_terminal(start, answer, *arguments):
    """Run a command on a terminal on which this answer is written; return exit code and screen."""
    ours, theirs = os.openpty()
    try:
        process = start(*arguments, stream=theirs)
        os.close(theirs)
        os.write(ours, answer)
        screen = b""
        with suppress(OSError):  # the other end is closed
            while part := os.read(ours, 4_096):
                screen += part
        return process.wait(timeout=60), screen.decode().replace("\r\n", "\n")
    finally:
        os.close(ours)


def test_a_person_is_asked_before_anything_is_sent_back(dataflow):
    """They see how many letters and where to; a million went back for one wrong option."""
    kafka = KafkaClient(dataflow.address)
    headers = [(f"dataflow-{name}", b"0") for name in NOTES]
    headers[0], headers[3] = ("dataflow-stage", b"asked"), ("dataflow-topic", b"expedia_test")
    kafka.produce("dead-letters", [b"a", b"b"], headers=headers)
    replay = ("dead-letters", "replay", "--stage", "asked", "--wait", "0")
    for answer, sent in ((b"n\n", 0), (b"y\n", 2)):
        code, screen = on_a_terminal(dataflow, answer, *replay)
        assert (code, "2 would be sent back; 0 had been sent back before\n  2 to expedia_test" in screen) == (
            0,
            True,
        ), screen
        assert ("2 sent back" in screen) is (sent == 2), screen
        assert len(kafka.read_topic("expedia_test")) == sent


def test_letters_are_listed_and_shown(dataflow):
    """The first is of the test before."""
    listed = json.loads(run(dataflow, "dead-letters", "list", "--topic", "expedia", "--limit", "2")[1])
    assert [row["replayed"] for row in listed["dead_letters"]] == [True, True]
    all_four = ("--stage", "0", "--reason", "not_json", "--topic", "expedia", "--from", "2026-01-01")
    for options, count in ((all_four, 3), ((*all_four, "--to", "2026-01-02"), 0)):
        told = json.loads(run(dataflow, "dead-letters", "list", "--limit", "3", *options)[1])
        assert len(told["dead_letters"]) == count, options
    told = json.loads(run(dataflow, "dead-letters", "replay", "--stage", "filter")[1])
    assert (told["replayed"], told["already_replayed"]) == (0, 0)
    page = json.loads(run(dataflow, "dead-letters", "show", "0/0")[1])
    assert page["value_text"] == "0"
    assert run(dataflow, "dead-letters", "show", "0/99999")[0] == 1
    assert run(dataflow, "dead-letters", "show", "first")[0] == 2
    assert run(dataflow, "dead-letters", "list", "--from", "soon")[0] == 2


def test_replays_are_in_the_audit_log(dataflow):
    """The last one is of the test before."""
    audited = json.loads(run(dataflow, "audit", "--limit", "1")[1])["audit"]
    assert [(one["author"], one["action"], one["details"]) for one in audited] == [
        (command_author(), "replay dead letters", {"stage": "filter"})
    ]
