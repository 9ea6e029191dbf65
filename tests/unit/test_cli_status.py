"""`dataflow status`: what it finds wrong in what workers answer."""

from typing import Any

import pytest

from dataflow.cli.status import faults_of

RUNNING = {"state": "running", "paused": [], "pause": None}
PAUSE = {"detail": "User:bob is denied operation READ on topic expedia", "since": "", "awaited": ""}
SINK = {"name": "csv", "workers": 1, "retrying_since": None, "last_error": None}


def answers(**changed: Any) -> dict[str, dict[str, Any]]:
    """Return what a cluster answers in which all is well, but for what is changed."""
    worker = {"url": "http://a:1", "not_ready": changed.get("not_ready")}
    return {
        "streams": {"states": {"expedia": changed.get("state", RUNNING)}},
        "workers": {
            "workers": [worker],
            "silent": changed.get("silent", []),
            "unowned": changed.get("unowned", {}),
        },
        "sinks": {"sinks": [SINK | changed.get("sink", {})]},
    }


def test_a_cluster_that_is_well_has_no_faults():
    """Else nobody looks at them."""
    assert faults_of(answers()) == []


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"state": RUNNING | {"pause": PAUSE}}, f"stream expedia pauses: {PAUSE['detail']}"),
        ({"not_ready": "recovering"}, "worker http://a:1 is not ready: recovering"),
        (
            {"silent": [{"url": "http://b:1", "reason": "does not answer within 2 s"}]},
            "worker http://b:1 does not answer within 2 s",
        ),
        ({"unowned": {"expedia": [1, 3]}}, "partitions 1, 3 of expedia have no worker"),
        ({"sink": {"workers": 0}}, "sink csv has no worker"),
        (
            {"sink": {"retrying_since": "2026-11-29T05:00:00Z", "last_error": "refused"}},
            "sink csv retries since 2026-11-29T05:00:00Z: refused",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(changed: dict[str, Any], fault: str):
    """The exit code says that there is something; this says what."""
    assert faults_of(answers(**changed)) == [fault]


def test_a_question_that_is_not_answered_is_a_fault_and_hides_no_other():
    """Sinks are asked of Kafka, which may be away while workers answer."""
    asked = answers(not_ready="recovering") | {"sinks": {"error": "broker does not answer"}}
    assert faults_of(asked) == ["broker does not answer", "worker http://a:1 is not ready: recovering"]
