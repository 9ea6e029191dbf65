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
