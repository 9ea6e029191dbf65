"""Letter reader: reads committed dead letters, from the oldest or from the newest."""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dataflow.catalogue.declared import DEAD_LETTERS_REPLAYED
from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.dead_letters.letter import Letter, LetterFilter, Place, read_letter
from dataflow.dead_letters.marks import Marks
from dataflow.errors import UNREADABLE, DataflowError
from dataflow.kafka.consumers import client_of, reader
from dataflow.kafka.reading import read_up_to
from dataflow.kafka.record import Record
from dataflow.kafka.topic_states import TopicState, topic_states
from dataflow.kafka.types import Consumer, TopicPartition
from dataflow.topics import existing_topics

FIRST_STEP, LONGEST_STEP = 500, 20_000  # how many records are read at once, from the newest backward

MOST_SCANNED = 200_000  # how many records are scanned for one list

TOPIC_ID = "dataflow-topic-id"
"""Header of a mark: of which topic of dead letters it is."""

LAST_OFFSET = 2**63 - 2


@dataclass(frozen=True, slots=True)
class LetterList:
    """Outlines of letters, the newest first."""

    letters: list[Letter]
    scanned: int
    is_complete: bool
    """False: letters may exist that were not scanned, older ones or those of partitions without a leader."""


class LetterReader:
    """Reads dead letters and marks, without a group; made by `letter_reader`."""

    def __init__(
        self,
        consumer: Consumer,
        partitions: Mapping[str, int],
        states: Mapping[str, TopicState],
    ) -> None:
        self.partitions = partitions  # partition counts of all topics of the broker
        letters = states.get(DEAD_LETTERS.name, TopicState())  # unknown on a broker before 2.8
        self.topic_id = letters.topic_id
        self.leaderless = sorted(letters.leaderless)
        """Partitions of dead letters that cannot be read now."""
        self._consumer = consumer
        self._partitions = [
            TopicPartition(DEAD_LETTERS.name, n)
            for n in range(partitions[DEAD_LETTERS.name])
            if n not in self.leaderless
        ]
        self._marks = [
            TopicPartition(DEAD_LETTERS_REPLAYED.name, n)
            for n in range(partitions.get(DEAD_LETTERS_REPLAYED.name, 0))
        ]
        self._leaderless_marks = sorted(states.get(DEAD_LETTERS_REPLAYED.name, TopicState()).leaderless)

    async def marks(self) -> Marks:
        """Return all marks but those of a dead-letter topic that was re-created since.

        Raises `DataflowError` for marks of an earlier release, which do not say of which topic they are, and
        where a partition of the marks has no leader.
        """
        _check_led(DEAD_LETTERS_REPLAYED.name, self._leaderless_marks)
        marks = Marks()
        ends = await self._consumer.end_offsets(self._marks)
        for tp, begin in (await self._consumer.beginning_offsets(self._marks)).items():
            async for records in self._records(tp, begin, ends[tp]):
                for record in records:
                    self._put(marks, tp, record)
        unknown = dict.fromkeys(self.leaderless, LAST_OFFSET)
        if marks.beyond(unknown | {tp.partition: end for tp, end in (await self._ends()).items()}):
            raise DataflowError(
                f"topic {DEAD_LETTERS_REPLAYED.name} names dead letters that do not exist; expected it to "
                f"be deleted together with {DEAD_LETTERS.name}. Delete it, and create it by `dataflow topics`"
            )
        return marks

    def _put(self, marks: Marks, tp: TopicPartition, record: Record) -> None:
        key, told = record.key or b"", dict(record.headers).get(TOPIC_ID) or b""
        is_of_another = b"" != told != self.topic_id.encode() != b""
        try:
            marks.put(key, record.value, is_of_another=is_of_another)
        except UNREADABLE as error:
            raise DataflowError(
                f"record {record.offset} of {tp.topic}, partition {tp.partition}, key {key.decode()}, is no "
                f"mark of a replay ({error}); expected what `dataflow dead-letters replay` has written. "
                "Write null under that key; letters that it named can be replayed again then"
            ) from error

    async def begins(self) -> dict[int, int]:
        """Return the offset of the oldest letter of each partition."""
        begins = await self._consumer.beginning_offsets(self._partitions)
        return {tp.partition: offset for tp, offset in begins.items()}

    async def newest(self, letter_filter: LetterFilter, limit: int) -> LetterList:
        """Return the outlines of the newest letters that match."""
        letters: list[Letter] = []
        scanned, is_complete = 0, True
        ends, begins = await self._ends(), await self._starts(letter_filter)
        for tp in self._partitions:
            of_partition: list[Letter] = []
            step, end = FIRST_STEP, ends[tp]
            while end > begins[tp] and len(of_partition) < limit:
                if scanned >= MOST_SCANNED:
                    is_complete = False
                    break
                begin = max(begins[tp], end - step)
                newest = deque[Letter](maxlen=limit + 1)
                async for letter in self._letters(tp, begin, end):
                    scanned += 1
                    if letter_filter.matches(letter):
                        newest.append(letter.outline())
                of_partition = [*newest, *of_partition]
                step, end = min(step * 2, LONGEST_STEP), begin
            is_complete &= end <= begins[tp] and len(of_partition) <= limit
            letters += of_partition
        letters.sort(key=lambda letter: (letter.at_ms, letter.partition, letter.offset), reverse=True)
        is_complete &= len(letters) <= limit and not self.leaderless
        return LetterList(letters[:limit], scanned, is_complete)

    async def oldest_first(self, letter_filter: LetterFilter) -> AsyncIterator[Letter]:
        """Yield the present letters that match, each partition in order.

        Raises `DataflowError` where some may be in a partition without a leader.
        """
        asked = letter_filter.partitions
        _check_led(DEAD_LETTERS.name, [n for n in self.leaderless if asked is None or n in asked])
        ends, begins = await self._ends(), await self._starts(letter_filter)
        for tp in self._partitions:
            end = min(ends[tp], _last_place(letter_filter, tp) + 1)
            async for letter in self._letters(tp, begins[tp], end):
                if letter_filter.matches(letter):
                    yield letter

    async def ends(self) -> dict[int, int]:
        """Return where each partition ends now."""
        return {tp.partition: offset for tp, offset in (await self._ends()).items()}

    async def since(self, ends: Mapping[int, int]) -> AsyncIterator[Letter]:
        """Yield the letters that have come since the partitions ended there."""
        for tp, end in (await self._ends()).items():
            async for letter in self._letters(tp, ends[tp.partition], end):
                yield letter

    async def at(self, place: Place) -> Letter | None:
        """Return the letter of a place; None if there is none.

        Raises `DataflowError` where its partition has no leader.
        """
        _check_led(DEAD_LETTERS.name, [n for n in self.leaderless if n == place[0]])
        tp = TopicPartition(DEAD_LETTERS.name, place[0])
        if tp not in self._partitions:
            return None
        begins, ends = await self._consumer.beginning_offsets([tp]), await self._ends()
        if not begins[tp] <= place[1] < ends[tp]:
            return None
        read = [letter async for letter in self._letters(tp, place[1], place[1] + 1)]
        return read[0] if read else None  # the offset may be of a control record

    async def _ends(self) -> dict[TopicPartition, int]:
        """Return the end offsets of committed records: those that a read_committed consumer gets."""
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(self._partitions)
        return ends

    async def _starts(self, letter_filter: LetterFilter) -> dict[TopicPartition, int]:
        starts: dict[TopicPartition, int] = await self._consumer.beginning_offsets(self._partitions)
        if letter_filter.from_ms is not None:
            asked = dict.fromkeys(self._partitions, max(letter_filter.from_ms, 0))
            ends = await self._ends()
            for tp, first in (await self._consumer.offsets_for_times(asked)).items():
                starts[tp] = ends[tp] if first is None else max(starts[tp], first.offset)
        return starts

    async def _letters(self, tp: TopicPartition, begin: int, end: int) -> AsyncIterator[Letter]:
        async for records in self._records(tp, begin, end):
            for record in records:
                yield read_letter(tp.partition, record)

    async def _records(self, tp: TopicPartition, begin: int, end: int) -> AsyncIterator[Iterable[Record]]:
        if begin >= end:
            return
        self._consumer.assign([tp])
        self._consumer.seek(tp, begin)
        async for _, records in read_up_to(self._consumer, {tp: end}):
            yield records


def _check_led(topic: str, leaderless: Iterable[int]) -> None:
    for partition in leaderless:
        raise DataflowError(
            f"partition {partition} of {topic} has no leader; expected a broker that has it in sync. "
            "Try again when one runs"
        )


def _last_place(letter_filter: LetterFilter, tp: TopicPartition) -> int:
    if letter_filter.places is None:
        return LAST_OFFSET
    return max(
        (offset for partition, offset in letter_filter.places if partition == tp.partition), default=-1
    )


@asynccontextmanager
async def letter_reader(connection: Mapping[str, object]) -> AsyncIterator[LetterReader]:
    """Give a reader; raise `DataflowError` if the dead-letter topic is missing."""
    partitions = await existing_topics(connection)
    if DEAD_LETTERS.name not in partitions:
        raise DataflowError(
            f"topic {DEAD_LETTERS.name} is missing; expected `dataflow topics` to have made it"
        )
    async with reader(connection) as consumer:
        states = await topic_states(client_of(consumer), [DEAD_LETTERS.name, DEAD_LETTERS_REPLAYED.name])
        yield LetterReader(consumer, partitions, states)
