"""Replay: dead letters in, the records that they were back in their topics, each once, out.

One producer with a fixed transactional id: a second replay ends what the first has under way, and the first
can write nothing more. It reads the marks after that, so it sees all that was ever committed. Letters and
their marks are in one transaction: broken off anywhere, all of them are back and marked, or none.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

from dataflow.audit import AuditedAction, write_audit
from dataflow.catalogue.declared import DEAD_LETTERS_REPLAYED
from dataflow.dead_letters.letter import Letter, LetterFilter
from dataflow.dead_letters.letter_reader import TOPIC_ID, letter_reader
from dataflow.dead_letters.marks import mark_of
from dataflow.dead_letters.selection import ReplayResult, ReplaySelection
from dataflow.errors import DataflowError
from dataflow.kafka.errors import Fenced, RecordsTooLarge, TimestampsRefused
from dataflow.kafka.producers import TransactionalProducer
from dataflow.kafka.record import Headers
from dataflow.kafka.record_batches import NO_TIMESTAMP
from dataflow.kafka.transaction import transaction, transactional_producer

LETTERS_AT_ONCE = 500
BYTES_AT_ONCE = 4 << 20
TRANSACTION_TIMEOUT_MS = 60_000
LARGEST_BYTES = 64 << 20


class AnotherReplay(DataflowError):
    """Somebody has begun a replay while this one ran: what this one has committed stays."""


async def replay(
    connection: Mapping[str, object],
    app_id: str,
    letter_filter: LetterFilter,
    author: str,
    limit: int | None = None,
) -> ReplayResult:
    """Send letters back to the topics that they came from; none that was sent back before.

    The audit log says first that `author` has asked for it.
    They keep key, value, own headers, timestamp and partition, and get the header `TRIES`.
    Raises `AnotherReplay`, and `DataflowError` when a broker does no transactions.
    """
    await write_audit(connection, author, AuditedAction.REPLAY, **letter_filter.described(), limit=limit)
    try:
        async with letter_reader(connection) as reader, AsyncExitStack() as stack:
            return await _Replay(connection, app_id, ReplaySelection(reader), stack).run(letter_filter, limit)
    except Fenced as error:
        raise AnotherReplay(
            "another replay has begun meanwhile; expected one at a time. What is sent back is marked"
        ) from error


@dataclass(slots=True)
class _Replay:
    connection: Mapping[str, object]
    app_id: str
    selection: ReplaySelection
    stack: AsyncExitStack
    producer: TransactionalProducer = field(init=False)

    async def run(self, letter_filter: LetterFilter, limit: int | None) -> ReplayResult:
        await self._start_producer()
        await self._forget_outdated()
        selection, size = self.selection, 0
        async for letter in selection.letters(letter_filter, limit):
            selection.pending.append(letter)
            size += letter.size
            if len(selection.pending) >= LETTERS_AT_ONCE or size >= BYTES_AT_ONCE:
                await self._send_pending()
                size = 0
        await self._send_pending()
        return selection.result

    async def _send_pending(self) -> None:
        letters, self.selection.pending = self.selection.pending, []
        await self._send_back(letters)

    async def _start_producer(self) -> None:
        """Start a producer in the place of the one before, and read the marks after that."""
        await self.stack.aclose()
        self.producer = await self.stack.enter_async_context(
            transactional_producer(
                self.connection,
                f"{self.app_id}-dead-letters-replay",
                "zstd",
                timeout_ms=TRANSACTION_TIMEOUT_MS,
                max_request_bytes=LARGEST_BYTES,
            )
        )
        async with letter_reader(self.connection) as reader:
            self.selection.marks = await reader.marks()

    async def _forget_outdated(self) -> None:
        """Delete marks of letters that retention has deleted: else they would be kept for ever."""
        outdated = list(self.selection.marks.outdated(await self.selection.reader.begins()))
        if outdated:
            async with transaction(self.producer):
                for key in outdated:
                    await self.producer.send(DEAD_LETTERS_REPLAYED.name, key=key, value=None)

    async def _send_back(self, letters: list[Letter]) -> None:
        if not letters:
            return
        try:
            async with transaction(self.producer):
                await self._send_all(letters)
        except (RecordsTooLarge, TimestampsRefused) as error:
            await self._start_producer()
            # Another replay may have sent some while there was no producer of ours.
            left = [letter for letter in letters if not self.selection.was_replayed(letter)]
            self.selection.result.already_replayed += len(letters) - len(left)
            await (self._send_halves(left, error) if left == letters else self._send_back(left))
        else:
            self.selection.note_replayed(letters)

    async def _send_halves(self, letters: list[Letter], error: RecordsTooLarge | TimestampsRefused) -> None:
        """Find the letter that its topic does not take as it is: of its time, or of a lower limit now."""
        if len(letters) == 1 and isinstance(error, TimestampsRefused):
            await self._send_back([replace(letters[0], timestamp_ms=NO_TIMESTAMP)])
            return
        if len(letters) == 1:
            why = f"is too large for topic {letters[0].topic}: {error.__cause__!r}"
            self.selection.result.impossible[why] += 1
            return
        half = len(letters) // 2
        await self._send_back(letters[:half])
        await self._send_back(letters[half:])

    async def _send_all(self, letters: list[Letter]) -> None:
        by_partition: dict[int, list[int]] = {}
        for letter in letters:
            await self._send(letter)
            by_partition.setdefault(letter.partition, []).append(letter.offset)
        headers: Headers = [(TOPIC_ID, self.selection.reader.topic_id.encode())]
        for partition, offsets in by_partition.items():
            key, value = mark_of(partition, offsets)
            await self.producer.send(DEAD_LETTERS_REPLAYED.name, value, key, headers=headers)

    async def _send(self, letter: Letter) -> None:
        origin, partitions = letter.origin_partition, self.selection.reader.partitions[letter.topic]
        await self.producer.send(
            letter.topic,
            letter.value,
            letter.key,
            origin if origin is not None and origin < partitions else None,
            letter.timestamp_ms,
            letter.replay_headers(),
        )
