"""Dead letters: what they carry, and when there are too many."""

import time
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecord
from aiokafka.structs import TopicPartition

from dataflow.dead_letters.letter import read_letter
from dataflow.engine.dead_letters import (
    DETAIL_CHARACTERS,
    DeadLetterLimit,
    RejectedRecord,
    TooManyDeadLetters,
    as_records,
)
from dataflow.errors import InvalidEvent, Reason
from dataflow.kafka.record import Headers
from dataflow.kafka.record_batches import largest_size

MOST_BYTES = 2 << 20

TP = TopicPartition("expedia", 3)


TRACE: Headers = [("trace", b"1"), ("trace", b"2")]


def a_record(value: bytes | None = b"\xff\x00", offset: int = 7, headers: Headers = TRACE) -> DefaultRecord:
    """Return a record as aiokafka reads it."""
    return DefaultRecord(offset, 1_700_000_000_000, 0, b"key", value, headers)


def a_letter(
    detail: str = "expected UTF-8", value: bytes | None = b"\xff\x00", headers: Headers = TRACE
) -> RejectedRecord:
    """Return a record that a stage has refused."""
    record = a_record(value, headers=headers)
    return RejectedRecord(record, "stay-category", InvalidEvent(Reason.NOT_UTF8, detail))


def letters(count: int) -> list[RejectedRecord]:
    """Return so many."""
    return [a_letter()] * count


def test_the_headers_tell_why_and_where_from():
    """Enough for one command to replay it where it came from."""
    assert a_letter().headers(TP) == [
        ("dataflow-stage", b"stay-category"),
        ("dataflow-reason", b"not_utf8"),
        ("dataflow-detail", b"expected UTF-8"),
        ("dataflow-topic", b"expedia"),
        ("dataflow-partition", b"3"),
        ("dataflow-offset", b"7"),
        ("dataflow-timestamp", b"1700000000000"),
        ("trace", b"1"),
        ("trace", b"2"),
    ]


@pytest.mark.parametrize("value", [b"\xff\x00", b"", None, b"x" * 100_000])
def test_the_record_goes_along_byte_for_byte(value: bytes | None):
    """A replay must write what the producer wrote: null, empty and broken bytes, too."""
    ((_, key, raw, _),) = as_records(TP, [a_letter(value=value)], MOST_BYTES)
    assert (key, raw) == (b"key", value)


@pytest.mark.parametrize("large", [{"value": bytes(MOST_BYTES)}, {"headers": [("h", bytes(MOST_BYTES))]}])
def test_of_what_does_not_fit_there_is_where_it_is_and_why(large: dict[str, Any]):
    """What a producer packs well is larger here: the topic refused it at each start of each worker."""
    ((_, key, raw, headers),) = as_records(TP, [a_letter(**large)], MOST_BYTES)
    told = dict(headers)
    assert (key, raw, told["dataflow-content"]) == (None, None, b"left out")
    assert (told["dataflow-offset"], told["dataflow-reason"]) == (b"7", b"not_utf8")
    assert largest_size(key, b"", headers) < 2_000
    read = read_letter(0, DefaultRecord(0, 1, 0, key, raw, headers))
    assert (read.is_left_out, read.topic, read.origin_offset, read.headers) == (True, "expedia", 7, [])


def test_who_sends_our_header_has_nothing_left_out():
    """Its own headers come behind ours."""
    ((_, key, raw, headers),) = as_records(
        TP, [a_letter(headers=[("dataflow-content", b"left out")])], MOST_BYTES
    )
    assert not read_letter(0, DefaultRecord(0, 1, 0, key, raw, headers)).is_left_out


def test_a_dead_letter_is_of_now():
    """By the record's own timestamp, which is in a header, its topic may refuse or delete it."""
    ((timestamp, *_),) = as_records(TP, [a_letter()], MOST_BYTES)
    assert abs(timestamp - time.time() * 1000) < 60_000


def test_a_long_detail_is_cut():
    """It may quote the event, which may have a megabyte."""
    details = dict(a_letter("x" * 5_000).headers(TP))
    assert len(details["dataflow-detail"]) == DETAIL_CHARACTERS


def test_a_detail_that_is_no_text_does_not_stop_the_stream():
    """An error may quote half of a character of the event."""
    assert dict(a_letter("\ud800").headers(TP))["dataflow-detail"] == b"?"


def test_a_run_over_batches_ends_the_worker_at_its_limit():
    """All of it unusable: then the deploy is bad, not the data."""
    limit = DeadLetterLimit(run=10, share=1, share_of=1_000_000)
    limit.check(TP, 9, letters(9), ends_dead=True)
    with pytest.raises(TooManyDeadLetters, match="10 dead letters in a row; expected fewer than 10"):
        limit.check(TP, 1, letters(1), ends_dead=True)


def test_one_good_event_ends_a_run():
    """One poisoned producer among others is no reason to stop."""
    limit = DeadLetterLimit(run=10, share=1, share_of=1_000_000)
    limit.check(TP, 9, letters(9), ends_dead=True)
    limit.check(TP, 10, letters(9), ends_dead=False)
    limit.check(TP, 9, letters(9), ends_dead=True)


def test_a_batch_without_records_does_not_end_a_run():
    """Control records say nothing about data."""
    limit = DeadLetterLimit(run=10, share=1, share_of=1_000_000)
    limit.check(TP, 9, letters(9), ends_dead=True)
    limit.check(TP, 0, [], ends_dead=True)
    with pytest.raises(TooManyDeadLetters):
        limit.check(TP, 1, letters(1), ends_dead=True)


@pytest.mark.parametrize(("dead", "stops"), [(50, False), (51, True)])
def test_the_share_is_of_the_last_so_many_events(dead: int, stops: bool):
    """Exactly the share is still allowed."""
    limit = DeadLetterLimit(run=1_000_000, share=0.5, share_of=100)
    if stops:
        with pytest.raises(TooManyDeadLetters, match="51 dead letters in 100 events; expected a share of at"):
            limit.check(TP, 100, letters(dead), ends_dead=False)
    else:
        limit.check(TP, 100, letters(dead), ends_dead=False)


def test_a_few_events_prove_no_share():
    """The first event of a topic may well be a dead letter."""
    DeadLetterLimit(run=1_000_000, share=0.5, share_of=100).check(TP, 1, letters(1), ends_dead=True)


def test_the_share_begins_anew_after_every_so_many_events():
    """A bad hour last week does not stop today's worker."""
    limit = DeadLetterLimit(run=1_000_000, share=0.5, share_of=100)
    limit.check(TP, 100, letters(50), ends_dead=False)
    limit.check(TP, 99, letters(49), ends_dead=False)
    limit.check(TP, 1, letters(1), ends_dead=False)


def test_a_passed_share_stops_the_worker_though_the_last_batch_was_good():
    """How events fall into batches does not decide."""
    limit = DeadLetterLimit(run=1_000_000, share=0.5, share_of=100)
    limit.check(TP, 90, letters(80), ends_dead=False)
    with pytest.raises(TooManyDeadLetters):
        limit.check(TP, 10, [], ends_dead=False)


def test_the_error_names_the_last_dead_letter():
    """The first thing to look at."""
    limit = DeadLetterLimit(run=1, share=1, share_of=1_000)
    with pytest.raises(TooManyDeadLetters) as raised:
        limit.check(TP, 1, letters(1), ends_dead=True)
    assert "partition 3 of expedia" in str(raised.value)
    assert "at offset 7, in stage stay-category: not_utf8: expected UTF-8" in str(raised.value)
