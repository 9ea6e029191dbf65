"""Unusable lines: what a sender brings is tried before it is stored; nobody stops a stream from outside."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.catalogue.declared import INGESTED
from dataflow.catalogue.stream import Stream
from dataflow.sources.sorting import Sorter
from dataflow.sources.unusable_lines import FEWEST, UnusableLines, check_of

GOOD = {
    "access-logs": b'203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5',
    "cdn-logs": b'{"reqTimeSec":"1645568187.280"}',
    "web-events": b"{}",
    "bookings": b"{}",
}
BAD = {
    "access-logs": b"a",
    "cdn-logs": b"a",
    "web-events": b'{"event_timestamp":1}',
    "bookings": b'{"hotel_id":"seven"}',
}


def sorted_lines(stream: str, lines: list[bytes], log_format: str | None = None) -> UnusableLines:
    """Return what was seen of these lines, a thousand at once."""
    declared: Stream = INGESTED[stream]
    sorter = Sorter(
        declared, [], now_ms=0, most_bytes=1_000, most_dead_bytes=1_000,
        seen=UnusableLines(check_of(declared, log_format)),
    )  # fmt: skip
    for at in range(0, len(lines), 1_000):
        sorter.sort(lines[at : at + 1_000])
    return sorter.seen


def test_every_stream_that_is_sent_has_its_lines_here():
    """A new stream is tried, too."""
    assert GOOD.keys() == BAD.keys() == INGESTED.keys()


@pytest.mark.parametrize("stream", GOOD)
@pytest.mark.parametrize("lines", [FEWEST, 999, 60_000])
def test_garbage_alone_is_too_much_whatever_the_stream(stream: str, lines: int):
    """154 bytes of gzip with 60,000 lines `a` stopped a worker, and each restart of it."""
    seen = sorted_lines(stream, [BAD[stream]] * lines)
    assert seen.exceed(0.5)
    assert (seen.lines, seen.unusable) == (lines, lines)
    assert seen.examples[0]


@pytest.mark.parametrize("stream", GOOD)
def test_few_lines_or_few_among_many_are_dead_letters_only(stream: str):
    """One damaged line in a batch is no reason to lose the batch."""
    assert not sorted_lines(stream, [BAD[stream]] * (FEWEST - 1)).exceed(0.5)
    assert not sorted_lines(stream, ([GOOD[stream]] * 9 + [BAD[stream]]) * 1_000).exceed(0.5)
    assert not sorted_lines(stream, [GOOD[stream]] * 5_000).unusable


def test_a_ratio_of_one_takes_everything():
    """Who would rather keep the lines than hear of them."""
    assert not sorted_lines("access-logs", [b"a"] * 5_000).exceed(1)


def test_lines_of_a_format_of_ones_own_are_usable():
    """They are judged by the format that the agent reads them with."""
    lines = [b"203.0.113.9 [17/May/2015:10:05:03 +0000] 200"] * 500
    assert sorted_lines("access-logs", lines).exceed(0.5)
    assert not sorted_lines("access-logs", lines, "%h %t %>s").unusable


@given(bad=st.lists(st.booleans(), min_size=1, max_size=400))
def test_up_to_a_hundred_lines_are_counted_and_more_estimated(bad: list[bool]):
    """The estimate never says more than there are lines, by more than one step of the sample."""
    lines = [json.dumps({"hotel_id": "x" if one else 1}).encode() for one in bad]
    seen = sorted_lines("bookings", lines)
    step = -(-len(bad) // 100)
    assert seen.lines == len(bad)
    assert sum(bad[::step]) == -(-seen.unusable // step)
