"""Refused requests in the metrics: all of them, whatever their status."""

from collections import Counter
from http import HTTPStatus
from types import SimpleNamespace

import pytest

from dataflow.sources.receiver import REFUSED
from dataflow.web.metrics import STATUSES, _received


@pytest.mark.parametrize(
    "status", [HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.FORBIDDEN]
)
def test_every_refusal_is_shown(status: HTTPStatus):
    """What came under a foreign name (421) was counted and never shown, as were lost edits."""
    counts = {(REFUSED, str(int(status))): 3, ("expedia", "accepted"): 5}
    receiver = SimpleNamespace(counts=Counter(counts), in_flight_bytes=0)
    [refused] = [family for family in _received(receiver) if family.name == "dataflow_http_refused_requests"]
    shown = {sample.labels["status"]: sample.value for sample in refused.samples}
    assert {name: count for name, count in shown.items() if count} == {str(int(status)): 3}
    assert set(STATUSES) <= shown.keys()
