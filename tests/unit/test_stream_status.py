"""The state of a stream in `/streams`, also where nobody can recover its partitions."""

from types import SimpleNamespace

import pytest

from dataflow.engine.event_counts import EventCounts
from dataflow.engine.pauses import PauseCause, StreamPauses, StreamState
from dataflow.engine.query_result import QueryResult
from dataflow.web import streams


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> StreamPauses:
    """Return the pauses of the worker that is asked."""
    pauses = StreamPauses()
    monkeypatch.setattr(streams, "app", SimpleNamespace(engine=SimpleNamespace(pauses=pauses)))
    return pauses


def test_a_stream_that_nobody_may_read_is_not_running(pauses: StreamPauses):
    """No worker owned its partitions after a rebalance, so none said that it pauses: it was `running`."""
    pauses.begin("bookings", PauseCause.ACCESS_DENIED, "READ is denied", "an ACL")
    status = streams._status("bookings", QueryResult({}, [0, 1]))
    assert (status.state, status.paused) == (StreamState.PAUSED, [0, 1])
    assert status.pause == pauses.get("bookings")


def test_a_stream_whose_partitions_are_taken_over_is_running(pauses: StreamPauses):
    """Its answer says which are missing."""
    status = streams._status("bookings", QueryResult({0: EventCounts()}, [1]))
    assert (status.state, status.paused, status.pause) == (StreamState.RUNNING, [], None)
