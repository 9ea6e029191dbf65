"""Pauses: streams that a worker does not read for now, each with its cause and what is awaited."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from enum import StrEnum
from time import monotonic

import msgspec

from dataflow.instants import iso, milliseconds_of
from dataflow.kafka.types import TopicPartition
from dataflow.logs import get_log

log = get_log(__name__)

REMINDER_SECONDS = 30.0


class StreamState(StrEnum):
    """What a worker does with the partitions of a stream."""

    RUNNING = "running"
    PAUSED = "paused"
    """It reads none of them; what was finished before is committed."""


class PauseCause(StrEnum):
    """Why a stream pauses; the closed set of the metric's label."""

    DEAD_LETTERS = "dead_letters"


class Pause(msgspec.Struct, frozen=True):
    """Why a stream pauses, since when, and what it waits for."""

    cause: PauseCause
    detail: str
    awaited: str
    since: datetime


class StreamPauses:
    """The paused streams of one worker by their source topics; they stay paused in its next session."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._pauses: dict[str, Pause] = {}
        self._told_at: dict[str, float] = {}
        self._refused_up_to: dict[TopicPartition, int] = {}

    def get(self, topic: str) -> Pause | None:
        """Return why this stream pauses; None: it does not."""
        return self._pauses.get(topic)

    def begin(self, topic: str, cause: PauseCause, detail: str, awaited: str) -> None:
        """Pause a stream; the first cause stays."""
        if topic not in self._pauses:
            self._pauses[topic] = Pause(cause, detail, awaited, datetime.now(UTC))
            self._told_at[topic] = self._clock()
            log.error(
                "Stream pauses; the others go on.", stream=topic, cause=cause, detail=detail, awaited=awaited
            )

    def end(self, topic: str) -> None:
        """Go on with a stream, if it pauses."""
        pause = self._pauses.pop(topic, None)
        if pause is not None:
            seconds = round((datetime.now(UTC) - pause.since).total_seconds(), 3)
            log.warning("Stream goes on.", stream=topic, cause=pause.cause, after_seconds=seconds)

    def remind(self, topics: Collection[str]) -> None:
        """Say again, twice a minute, which of these streams pause and why."""
        for topic in self._pauses.keys() & topics:
            if self._clock() - self._told_at[topic] >= REMINDER_SECONDS:
                self._told_at[topic] = self._clock()
                pause = self._pauses[topic]
                log.warning(
                    "Stream still pauses.",
                    stream=topic,
                    cause=pause.cause,
                    since=iso(milliseconds_of(pause.since)),
                    detail=pause.detail,
                    awaited=pause.awaited,
                )

    # -- dead letters

    def refuse(self, tp: TopicPartition, end: int, error: Exception) -> None:
        """Pause the stream of this partition, whose limit has refused the records before `end`."""
        self._refused_up_to[tp] = end
        awaited = f"`dataflow streams resume {tp.topic}`, or a restart with another limit"
        self.begin(tp.topic, PauseCause.DEAD_LETTERS, str(error), awaited)

    def accepts(self, tp: TopicPartition, end: int) -> bool:
        """Tell whether records before `end` may be dead letters: somebody has seen them and said to go on.

        A paused stream reads nothing, so whatever was refused and is read again was accepted since.
        """
        return end <= self._refused_up_to.get(tp, -1)
