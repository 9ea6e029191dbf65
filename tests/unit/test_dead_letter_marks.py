"""Marks and letters: what decides whether an event goes back, and as what."""

import msgspec
import pytest
from aiokafka.record.default_records import DefaultRecord
from hypothesis import given
from hypothesis import strategies as st

from dataflow.dead_letters.letter import LetterFilter, read_letter
from dataflow.dead_letters.marks import Marks, mark_of
from dataflow.engine.dead_letters import RejectedRecord
from dataflow.errors import InvalidEvent, Reason


def kept(headers, value=b"x", timestamp=5_000, offset=7):
    """Return a record of the dead-letter topic."""
    return DefaultRecord(offset, timestamp, 0, b"k", value, list(headers))


def dead_letter(own):
    """Return a dead letter as the engine writes it, of a record with these headers."""
    record = kept(own, timestamp=1_000)
    letter = RejectedRecord(record, "stay-category", InvalidEvent(Reason.NOT_JSON, "value is not JSON"))
    return kept(letter.headers(type("TP", (), {"topic": "expedia", "partition": 3})()))


@given(st.dictionaries(st.integers(0, 3), st.lists(st.sets(st.integers(0, 60), min_size=1), max_size=4)))
def test_a_letter_is_marked_if_and_only_if_it_was_sent_back(sent):
    """Whatever was sent back together, in whichever order the marks are read."""
    marks, expected = Marks(), set()
    for partition, transactions in sent.items():
        for offsets in transactions:
            new = {offset for offset in offsets if (partition, offset) not in expected}
            if new:
                marks.put(*mark_of(partition, new))
                expected |= {(partition, offset) for offset in new}
    assert {(p, o) for p in range(5) for o in range(70) if marks.has(p, o)} == expected


def test_marks_are_forgotten_with_their_letters_and_not_before():
    """The oldest letter that is left is offset 10."""
    marks = Marks()
    for offsets in ({1, 2, 9}, {8, 10}, {11}):
        marks.put(*mark_of(0, offsets))
    outdated = list(marks.outdated({0: 10}))
    for key in outdated:
        marks.put(key, None)
    assert outdated == [b"0/1"]
    assert [offset for offset in range(12) if marks.has(0, offset)] == [8, 10, 11]


def test_marks_of_another_topic_hide_nothing_and_are_forgotten():
    """Its letters had the places of those that are there now; a new mark may have the key of an old one."""
    marks = Marks()
    for offsets in ({1, 2}, {5}, {41}):
        marks.put(*mark_of(0, offsets), is_of_another=True)
    marks.put(*mark_of(0, {5, 6}))
    assert [offset for offset in range(50) if marks.has(0, offset)] == [5, 6]
    assert not marks.beyond({0: 7})
    assert set(marks.outdated({0: 0})) == {b"0/1", b"0/41"}


def test_marks_of_letters_that_do_not_exist_yet_are_noticed():
    """The dead-letter topic was deleted and created again: its marks would hide new letters."""
    marks = Marks()
    marks.put(*mark_of(1, {41}))
    assert marks.beyond({0: 90, 1: 41})
    assert not marks.beyond({1: 42})


def test_an_event_goes_back_with_its_own_headers_and_the_first_try():
    """What the engine has noted stays behind."""
    letter = read_letter(3, dead_letter([("trace", b"1")]))
    assert letter.replay_headers() == [("trace", b"1"), ("dataflow-tries", b"1")]
    assert (letter.topic, letter.origin_partition, letter.origin_offset) == ("expedia", 3, 7)
    assert (letter.at_ms, letter.timestamp_ms) == (5_000, 1_000)


def test_a_second_try_is_counted():
    """The header of the first stands among the record's own."""
    letter = read_letter(3, dead_letter([("dataflow-tries", b"1"), ("a", b"")]))
    assert letter.replay_headers() == [("a", b""), ("dataflow-tries", b"2")]


def test_headers_of_the_record_that_look_like_ours_are_its_own():
    """Only the first of a name, and only before the record's own, are notes."""
    own = [("dataflow-stage", b"mine"), ("dataflow-sender", b"10.0.0.1"), ("dataflow-topic", b"x")]
    letter = read_letter(3, dead_letter(own))
    assert (letter.stage, letter.topic, letter.headers) == ("stay-category", "expedia", own)


@given(st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=9))), st.none() | st.binary())
def test_whatever_stands_in_the_topic_is_a_letter(headers, value):
    """Anybody may write there; nothing may break the list."""
    named = [(f"dataflow-{name}", raw) for name, raw in headers]
    assert read_letter(3, kept([*headers, *named], value)).value == value


def test_a_selection_is_the_conjunction_of_what_it_says():
    """From is inclusive, to is not."""
    letter = read_letter(3, dead_letter([]))
    meant = [
        LetterFilter(),
        LetterFilter(stage="stay-category", reason="not_json", topic="expedia"),
        LetterFilter(from_ms=5_000, to_ms=5_001),
        LetterFilter(places=frozenset({(3, 7)})),
    ]
    others = [
        LetterFilter(stage="filter"),
        LetterFilter(reason="empty"),
        LetterFilter(topic="cdn-logs", stage="stay-category"),
        LetterFilter(from_ms=5_001),
        LetterFilter(to_ms=5_000),
        LetterFilter(places=frozenset({(3, 8), (2, 7)})),
    ]
    assert all(letter_filter.matches(letter) for letter_filter in meant)
    assert not any(letter_filter.matches(letter) for letter_filter in others)


@pytest.mark.parametrize(
    "key", [b"", b"k", b"0", b"/", b"a/b", b"-1/5", b"0/5/6", b"\xff", b"9" * 30 + b"/1"]
)
@pytest.mark.parametrize("value", [b"", b"hello", b"[]", b"[[0,9]]", None])
def test_what_somebody_else_writes_beside_the_marks_says_nothing_of_our_letters(key, value):
    """It ended each list and each replay with a traceback."""
    marks = Marks()
    marks.put(*mark_of(0, [5]))
    marks.put(key, value)
    assert (marks.has(0, 5), marks.has(0, 4)) == (True, False)
    assert (list(marks.outdated({0: 6})), marks.beyond({0: 6})) == ([b"0/5"], False)


@pytest.mark.parametrize("value", [b"", b"hello", b"[]", b"[[0]]", b"{}", b'[["a","b"]]'])
def test_a_mark_that_cannot_be_read_is_not_passed_over(value):
    """It may have said that letters were sent back: they would be sent twice."""
    with pytest.raises(msgspec.MsgspecError):
        Marks().put(b"0/5", value)
