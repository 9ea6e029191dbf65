"""Receive: stores the events of a request's body in Kafka, unusable ones as dead letters, and counts them."""

import asyncio
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import chain
from typing import Annotated

import msgspec
from msgspec import Meta

from dataflow.catalogue.stream import Stream
from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.http_error import HttpError
from dataflow.instants import now_ms
from dataflow.kafka.record import Headers
from dataflow.settings import Settings
from dataflow.sources.batching_producer import BatchingProducer
from dataflow.sources.body_events import ArrayFault, is_ping, json_events, split_lines
from dataflow.sources.inflate import PIECE_BYTES, inflate
from dataflow.sources.journal_entries import BEGIN as JOURNAL
from dataflow.sources.journal_entries import journal_lines
from dataflow.sources.record_lines import begins_in_records, record_lines
from dataflow.sources.sorting import Sorter
from dataflow.sources.unusable_lines import UnusableLines, check_of

EVENTS_AT_ONCE = 1_000
"""The loop is given back after so many: ten milliseconds if all of them are broken."""

HELD_BYTES = 4 << 20
"""So much of a body is held back until all of it is unpacked: DataStream sends no more at once."""

AT_ONCE = 4
"""Bodies that are unpacked at the same time; there is one loop, more would only hold more memory."""


class Outcome(msgspec.Struct, forbid_unknown_fields=True):
    """What became of the lines, all of them acknowledged by the broker."""

    accepted: int = 0
    dead_lettered: Annotated[
        int, Meta(description="Lines that are no events: they are kept, with the reason")
    ] = 0


class Receiving:
    """Takes bodies, whoever sends them."""

    def __init__(self, producer: BatchingProducer, settings: Settings) -> None:
        self._producer = producer
        self._settings = settings
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def receive(self, stream: Stream, body: bytes, encoding: str, sender: Headers) -> Outcome:
        """Store every event of a body; return when the broker has acknowledged them all.

        Raises `HttpError`. Of a body that can never be taken nothing is stored; when Kafka fails
        on the way, a part may be.
        """
        sorter = self._sorter(stream, sender)
        handing = _HandingOver(self._producer, stream.topic)
        async with self._turns:
            for number, events in enumerate(self._events(sorter, body, encoding)):
                if number:
                    await asyncio.sleep(0)  # others have their turn every 64 KiB
                for at in range(0, len(events), EVENTS_AT_ONCE):
                    sorter.sort(events[at : at + EVENTS_AT_ONCE])
                    self._refuse_garbage(sorter, handing.outcome)
                    if sorter.done.held_bytes > HELD_BYTES:
                        if not handing.promised:
                            await self._try_whole(body, encoding)
                        await handing.over(sorter)
            await handing.over(sorter)
        await handing.acknowledged()
        return handing.outcome

    def _refuse_garbage(self, sorter: Sorter, stored: Outcome) -> None:
        seen, most = sorter.seen, self._settings.ingest_max_unusable_ratio
        if seen.exceed(most):
            so_far = stored.accepted + stored.dead_lettered
            raise HttpError(
                HTTPStatus.BAD_REQUEST,
                f"about {seen.unusable} of the first {seen.lines} lines cannot be used by "
                f"{sorter.stream.name}; expected a ratio of at most {most:g}. "
                f"The first: {'; '.join(seen.examples)}. Stored are {so_far} lines. "
                "DATAFLOW_INGEST_MAX_UNUSABLE_RATIO=1 takes them all, as dead letters",
            )

    def _sorter(self, stream: Stream, sender: Headers) -> Sorter:
        return Sorter(
            stream,
            sender,
            now_ms=now_ms(),
            most_bytes=self._producer.most_value_bytes(stream.topic),
            most_dead_bytes=self._producer.most_value_bytes(DEAD_LETTERS.name),
            structured_fields=self._settings.ingest_structured_fields,
            seen=UnusableLines(
                check_of(stream, self._settings.access_log_format, self._settings.access_log_zone)
            ),
        )

    async def _try_whole(self, body: bytes, encoding: str) -> None:
        """Unpack a large body for nothing: a bomb, or one that breaks off, is found before it is stored."""
        if not encoding:
            return
        for _ in inflate(body, encoding, self._settings.ingest_inflated_bytes):
            await asyncio.sleep(0)

    def _events(self, sorter: Sorter, body: bytes, encoding: str) -> Iterator[list[bytes]]:
        pieces, begin = inflate(body, encoding, self._settings.ingest_inflated_bytes), bytearray()
        for piece in pieces:
            begin += piece
            if len(begin) >= PIECE_BYTES:
                break
            yield []
        head, rest = bytes(begin), pieces
        if sorter.stream.is_datastream and is_ping(head):
            return
        is_json, most_bytes = sorter.stream.is_json, sorter.most_dead_bytes
        if head.startswith(JOURNAL):
            lines = journal_lines(chain((head,), rest), most_bytes, is_json=is_json)
            yield from split_lines(lines, most_bytes)
            return
        if not is_json:
            head = head.removeprefix(BOM_UTF8)
            lines = chain((head,), rest)
            yield from split_lines(
                record_lines(lines, most_bytes) if begins_in_records(head) else lines, most_bytes
            )
            return
        try:
            yield from json_events(head, rest, most_bytes, self._settings.ingest_body_bytes)
        except ArrayFault as fault:
            sorter.reject(fault.rest, fault)


@dataclass(slots=True)
class _HandingOver:
    """Puts the records of one body into batches to be sent, and keeps what it was promised for them."""

    producer: BatchingProducer
    topic: str
    outcome: Outcome = field(default_factory=Outcome)
    promised: set[asyncio.Future[None]] = field(default_factory=set)
    """Empty: no part of the body can be stored yet."""

    async def over(self, sorter: Sorter) -> None:
        """Hand over what is sorted, as soon as there is room; raise what an earlier part has failed with."""
        await self.producer.room.wait()
        answered = {promise for promise in self.promised if promise.done()}
        self.promised -= answered
        for promise in answered:
            promise.result()
        done = sorter.take()
        self.outcome.accepted += len(done.good)
        self.outcome.dead_lettered += len(done.dead)
        for topic, records, size in (
            (self.topic, done.good, done.good_bytes),
            (DEAD_LETTERS.name, done.dead, done.dead_bytes),
        ):
            if records:
                self.promised |= self.producer.put(topic, records, size)

    async def acknowledged(self) -> None:
        """Return when the broker has everything; raise what it has not been for."""
        if self.promised:
            await asyncio.wait(self.promised)  # unlike gather, it leaves them alone when we are cancelled
        for promise in self.promised:
            promise.result()
