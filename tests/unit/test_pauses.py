"""Pauses: a stream that does not go on says so again and again, each with its cause."""

import pytest
from aiokafka.structs import TopicPartition

from dataflow.engine.pauses import REMINDER_SECONDS, PauseCause, StreamPauses
from dataflow.logs import Entry

TP = TopicPartition("expedia", 3)


class Clock:
    """A clock that stands until it is set."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, object]]:
    """Return each sentence of the log, and which stream it is about."""
    entries = [record.msg for record in caplog.records if isinstance(record.msg, Entry)]
    return [(entry.sentence, entry.fields["stream"]) for entry in entries]


def test_a_pause_is_told_at_its_begin_twice_a_minute_and_at_its_end(caplog: pytest.LogCaptureFixture):
    """One line would be gone from the screen; one a second would hide the others."""
    clock = Clock()
    pauses = StreamPauses(clock)
    pauses.begin("expedia", PauseCause.DEAD_LETTERS, "too many", "a command")
    for second in range(int(2 * REMINDER_SECONDS) + 5):
        clock.now = second
        pauses.remind({"expedia", "cdn-logs"})
    pauses.end("expedia")
    assert told(caplog) == [
        ("Stream pauses; the others go on.", "expedia"),
        ("Stream still pauses.", "expedia"),
        ("Stream still pauses.", "expedia"),
        ("Stream goes on.", "expedia"),
    ]


def test_a_stream_of_which_nothing_is_owned_is_not_told(caplog: pytest.LogCaptureFixture):
    """It is another worker's now, which reads it."""
    clock = Clock()
    pauses = StreamPauses(clock)
    pauses.begin("expedia", PauseCause.DEAD_LETTERS, "too many", "a command")
    clock.now = 100.0
    pauses.remind({"cdn-logs"})
    assert len(told(caplog)) == 1


def test_the_first_cause_stays():
    """What comes after it follows from it."""
    pauses = StreamPauses()
    pauses.refuse(TP, 10, ValueError("the first"))
    pauses.refuse(TP._replace(partition=1), 20, ValueError("the second"))
    pause = pauses.get("expedia")
    assert pause is not None
    assert pause.detail == "the first"


def test_only_what_was_refused_is_accepted():
    """Whoever says to go on has seen no more than that."""
    pauses = StreamPauses()
    assert not pauses.accepts(TP, 1)
    pauses.refuse(TP, 10, ValueError("too many"))
    pauses.end(TP.topic)
    assert pauses.accepts(TP, 10)
    assert not pauses.accepts(TP, 11)
    assert not pauses.accepts(TP._replace(partition=1), 10)


def test_a_stream_goes_on_by_itself_later_and_later_if_the_same_comes_back():
    """What the broker shows of a right may be wrong: each try costs the other streams a new session."""
    clock = Clock()
    pauses = StreamPauses(clock)
    waits = []
    for _ in range(9):
        pauses.begin("expedia", PauseCause.ACCESS_DENIED, "denied", "an ACL")
        begun = clock.now
        while pauses.get("expedia"):
            pauses.end_by_itself("expedia")
            clock.now += 1
        waits.append(clock.now - begun - 1)
    assert waits == [0, 1, 3, 7, 15, 31, 59, 59, 59]
    clock.now += 1_000
    pauses.begin("expedia", PauseCause.ACCESS_DENIED, "denied", "an ACL")
    pauses.end_by_itself("expedia")
    assert pauses.get("expedia") is None


def test_a_stream_that_pauses_twice_goes_on_when_both_have_ended():
    """Nobody has looked at its dead letters, just because its output is there again."""
    pauses = StreamPauses()
    pauses.refuse(TP, 10, ValueError("too many"))
    pauses.begin("expedia", PauseCause.TOPIC_MISSING, "gone", "the topic")
    assert pauses.unwritable == {"expedia"}
    pauses.end_by_itself("expedia")
    pause = pauses.get("expedia")
    assert pause is not None
    assert pause.cause is PauseCause.DEAD_LETTERS
    pauses.end_by_itself("expedia")
    assert pauses.get("expedia") is pause
    pauses.end("expedia")
    assert pauses.get("expedia") is None


def test_what_topics_hold_up_concerns_every_worker():
    """One that owns nothing of a stream may own nothing because its topic is gone."""
    pauses = StreamPauses()
    pauses.refuse(TP, 10, ValueError("too many"))
    pauses.begin("cdn-logs", PauseCause.TOPIC_MISSING, "gone", "the topic")
    assert pauses.concerning(set()).keys() == {"cdn-logs"}
    assert list(pauses.concerning({"expedia"})) == ["cdn-logs", "expedia"]
