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
LONGEST_WAIT_SECONDS = 60.0
FORGET_SECONDS = 120.0


class StreamState(StrEnum):
    """What a worker does with the partitions of a stream."""

    RUNNING = "running"
    PAUSED = "paused"
    """It reads none of them; what was finished before is committed."""


class PauseCause(StrEnum):
    """Why a stream pauses; the closed set of the metric's label."""

    DEAD_LETTERS = "dead_letters"
    ACCESS_DENIED = "access_denied"
    RECORDS_TOO_LARGE = "records_too_large"
    KEYS_REQUIRED = "keys_required"
    NOT_COMPACTED = "not_compacted"
    TOPIC_MISSING = "topic_missing"
    PARTITIONS_ADDED = "partitions_added"
    PARTITIONS_MISSING = "partitions_missing"
    NO_LEADER = "no_leader"
    TOPIC_MADE_ANEW = "topic_made_anew"
    OFFSET_MOVED = "offset_moved"

    @property
    def is_of_topics(self) -> bool:
        """Tell whether the stream's topics are the cause: it ends by itself, and concerns every worker."""
        by_hand = (PauseCause.DEAD_LETTERS, PauseCause.TOPIC_MADE_ANEW, PauseCause.OFFSET_MOVED)
        return self not in by_hand

    @property
    def lets_write(self) -> bool:
        """Tell whether what was finished before can be committed."""
        return self in (PauseCause.DEAD_LETTERS, PauseCause.PARTITIONS_ADDED, PauseCause.NOT_COMPACTED)


class Pause(msgspec.Struct, frozen=True):
    """Why a stream pauses, since when, and what it waits for."""

    cause: PauseCause
    detail: str
    awaited: str
    since: datetime


class StreamPauses:
    """The paused streams of one worker by their source topics; they stay paused in its next session.

    A stream may pause for its dead letters and for its topics at once.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._by_hand: dict[str, Pause] = {}
        self._by_topics: dict[str, Pause] = {}
        self._told_at: dict[str, float] = {}
        self._begun_at: dict[str, float] = {}
        self._tries: dict[str, tuple[int, float]] = {}
        """How often a stream has gone on by itself in a row, and when it did last."""
        self._refused_up_to: dict[TopicPartition, int] = {}

    def get(self, topic: str) -> Pause | None:
        """Return why this stream pauses; None: it does not."""
        return self._by_topics.get(topic) or self._by_hand.get(topic)

    @property
    def unwritable(self) -> set[str]:
        """The streams of which nothing can be committed for now."""
        return {topic for topic, pause in self._by_topics.items() if not pause.cause.lets_write}

    def begin(self, topic: str, cause: PauseCause, detail: str, awaited: str) -> None:
        """Pause a stream; the first cause stays."""
        pauses = self._by_topics if cause.is_of_topics else self._by_hand
        if topic not in pauses:
            pauses[topic] = Pause(cause, detail, awaited, datetime.now(UTC))
            self._told_at[topic] = self._begun_at[topic] = self._clock()
            log.error(
                "Stream pauses; the others go on.", stream=topic, cause=cause, detail=detail, awaited=awaited
            )

    def end(self, topic: str) -> None:
        """Go on with a stream that pauses for its dead letters."""
        self._end(topic, self._by_hand)

    def end_by_itself(self, topic: str) -> None:
        """Go on with a stream whose topics were the cause; ever later where the same comes back at once."""
        if topic not in self._by_topics:
            return
        begun_at = self._begun_at[topic]
        tries, ended_at = self._tries.get(topic, (0, 0.0))
        tries = tries if begun_at - ended_at < FORGET_SECONDS else 0
        if self._clock() - begun_at >= min(2.0**tries, LONGEST_WAIT_SECONDS) - 1:
            self._tries[topic] = tries + 1, self._clock()
            self._end(topic, self._by_topics)

    def _end(self, topic: str, pauses: dict[str, Pause]) -> None:
        pause = pauses.pop(topic, None)
        if pause is not None:
            seconds = round((datetime.now(UTC) - pause.since).total_seconds(), 3)
            log.warning("Stream goes on.", stream=topic, cause=pause.cause, after_seconds=seconds)

    def concerning(self, owned: Collection[str]) -> dict[str, Pause]:
        """Return the pauses that a worker tells of which owns partitions of these topics."""
        by_hand = {topic: pause for topic, pause in self._by_hand.items() if topic in owned}
        return dict(sorted({**by_hand, **self._by_topics}.items()))

    def remind(self, owned: Collection[str]) -> None:
        """Say again, twice a minute, which streams pause and why."""
        for topic, pause in self.concerning(owned).items():
            if self._clock() - self._told_at[topic] >= REMINDER_SECONDS:
                self._told_at[topic] = self._clock()
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
