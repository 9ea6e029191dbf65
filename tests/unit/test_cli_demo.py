"""The demo's parts: its counts, its folder, its mix of streams."""

from collections import Counter
from datetime import UTC, datetime
from itertools import islice

import pytest

from dataflow.demo.play.folders import fresh_folder, kept_folder
from dataflow.demo.play.player import _interleaved, happening
from dataflow.demo.play.stream_counts import StreamCounts, gaps, since
from dataflow.demo.samples import SAMPLE_TOPICS, sample_events
from dataflow.errors import Misconfigured


@pytest.mark.parametrize(
    ("counts", "differences"),
    [
        (StreamCounts(10, 7, 2, 1), []),
        (StreamCounts(9, 7, 1, 1), ["expedia received 9 of 10 played"]),
        (StreamCounts(11, 11), ["expedia received 11 of 10 played"]),
        (StreamCounts(10, 9), ["expedia received 10 and passed on 9"]),
        (
            StreamCounts(9, 10),
            ["expedia received 9 of 10 played", "expedia received 9 and passed on 10"],
        ),
    ],
)
def test_every_gap_is_named(counts, differences):
    """Missing, doubled, and in no place at all are three faults."""
    assert gaps({"expedia": counts}, {"expedia": 10}) == differences


def test_a_stream_that_nobody_knows_is_a_gap():
    """No agent has read it."""
    assert gaps({}, {"expedia": 10}) == ["expedia received 0 of 10 played"]


def test_what_was_there_before_does_not_count():
    """A broker of one's own may hold older events."""
    before, now = (
        {"a": StreamCounts(5, 5)},
        {"a": StreamCounts(8, 7, 1), "b": StreamCounts(1, 1)},
    )
    assert since(before, now) == {"a": StreamCounts(3, 2, 1), "b": StreamCounts(1, 1)}


def test_a_second_demo_on_a_folder_is_refused(tmp_path):
    """Two would play into the same topics and blame each other."""
    with (
        kept_folder(tmp_path),
        pytest.raises(Misconfigured, match="in use by another demo"),
        kept_folder(tmp_path),
    ):
        pass
    with kept_folder(tmp_path):
        pass  # the first has ended


def test_a_fresh_folder_is_gone_afterwards(tmp_path):
    """So that the next run begins with nothing, like this one."""
    with fresh_folder(tmp_path / "data") as folder:
        (folder / "log").write_text("x")
        assert folder.parent == tmp_path / "data"
    assert list((tmp_path / "data").iterdir()) == []


def test_the_streams_are_mixed_by_their_size():
    """At any rate, all three move, and all begin anew together."""
    sizes = {stream: len(sample_events(stream)) for stream in SAMPLE_TOPICS}
    tenth = Counter(stream for stream, _ in islice(_interleaved(), sum(sizes.values()) // 10))
    assert {stream: round(sizes[stream] / count) for stream, count in tenth.items()} == {
        "cdn-logs": 10,
        "expedia": 10,
        "raw-web-events": 10,
    }


def test_the_samples_are_whole():
    """Every count that is shown rests on these."""
    assert {stream: len(sample_events(stream)) for stream in SAMPLE_TOPICS} == {
        "cdn-logs": 9999,
        "expedia": 21891,
        "raw-web-events": 5874,
    }


def test_a_played_event_happens_now_and_is_otherwise_as_it_was():
    """Round after round the windows of the demo have to move on."""
    now = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    line = b'{"reqId": "1", "reqTimeSec": "1431857103.606", "bytes": "7"}'
    assert happening("cdn-logs", now, line) == b'{"reqId": "1", "reqTimeSec": "1767323045.678", "bytes": "7"}'
