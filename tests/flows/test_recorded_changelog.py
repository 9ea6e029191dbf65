"""Changelogs of earlier code: an upgrade begins with them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from flows.changelog_recording import (
    SETTINGS,
    Recording,
    answers_of,
    load_recording,
    produce,
    replay,
    worker_on,
)
from harness.workers import Worker
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker

MAX_KEYS = int(SETTINGS["DATAFLOW_MAX_KEYS"])
ADDED_UP = {"count", "bytes", "errors"}

RECORDINGS = sorted((Path(__file__).parents[1] / "data" / "changelogs").glob("*.json.gz"))


@pytest.fixture(params=RECORDINGS, ids=lambda path: path.name.partition(".")[0])
def recording(request: pytest.FixtureRequest) -> Recording:
    """Return what the code of an earlier commit has left behind."""
    return load_recording(request.param)


@pytest.fixture
def upgraded(own_broker: EmbeddedBroker, recording: Recording, tmp_path: Path) -> Iterator[Worker]:
    """Return a worker of this code that begins with what the earlier one has left behind."""
    replay(KafkaClient(own_broker.address), recording)
    with worker_on(own_broker, tmp_path) as worker:
        yield worker


def test_tables_and_event_counts_go_on_from_a_recorded_changelog(
    own_broker: EmbeddedBroker, recording: Recording, upgraded: Worker
):
    """Who upgrades keeps every count: nothing is lost or counted twice, and what comes next is added."""
    assert answers_of(upgraded).without_tables_beside(recording.answers) == recording.answers

    produce(KafkaClient(own_broker.address), recording.more)
    upgraded.wait_counted(
        {stream: counts["received"] for stream, counts in recording.answers_after_more.streams.items()}
    )

    expected = recording.answers_after_more
    answers = answers_of(upgraded).without_tables_beside(expected)
    assert (answers.apart, answers.streams) == (expected.apart, expected.streams)
    for table, windows in expected.windows.items():
        assert answers.windows[table].keys() == windows.keys()
        for size, of_size in windows.items():
            for window, recorded in zip(answers.windows[table][size], of_size, strict=True):
                assert_same_counts(window, recorded)


def assert_same_counts(window: Mapping[str, Any], recorded: Mapping[str, Any]) -> None:
    """Compare two answers for a window; which keys a full one keeps may differ, no sum and no bound."""
    by_key = {entry["key"]: entry for entry in window["entries"]}
    recorded_by_key = {entry["key"]: entry for entry in recorded["entries"]}
    if "(other)" not in recorded_by_key:
        assert window == recorded
        return
    assert (window["start"], window["closed"]) == (recorded["start"], recorded["closed"])
    for name in ADDED_UP & recorded["entries"][0].keys():
        assert sum(e[name] for e in window["entries"]) == sum(e[name] for e in recorded["entries"])
    hidden = [of_window["(other)"].get("max_per_key", 0) for of_window in (by_key, recorded_by_key)]
    for key in by_key.keys() & recorded_by_key.keys() - {"(other)"}:
        # each of both is at most so much below the truth
        assert -hidden[0] <= by_key[key]["count"] - recorded_by_key[key]["count"] <= hidden[1]
    assert hidden[0] <= sum(entry["count"] for entry in window["entries"]) / (MAX_KEYS + 1)


def test_a_recording_holds_what_can_go_wrong(recording: Recording):
    """An empty table or a changelog without deletions would prove nothing."""
    changelogs, answers = recording.changelogs, recording.answers
    assert all(changelogs.values())
    assert all(windows for by_window in answers.windows.values() for windows in by_window.values())
    assert any(record.value is None for log in changelogs.values() for record in log), "deleted windows"
    assert answers.apart["requests_per_status"]["minute"] == {"late": 1, "undated": 1, "future": 1}
    keys = [entry["key"] for entry in answers.windows["requests_per_endpoint"]["all"][0]["entries"]]
    assert "(other)" in keys
    assert answers != recording.answers_after_more
