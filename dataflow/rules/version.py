"""Versions of a document: reads the committed ones, and writes a new one if the last is as expected.

Compare and set, with one transactional id. Starting a producer aborts the open transaction of another writer
and fences it. Then the last version is read and compared, and the new one is written in a transaction. So of
two writers that saw the same version at most one succeeds: if the second starts before the first has
committed, the first is fenced; if after, the second reads the version of the first.

Each version has a key of its own, so compaction keeps them all, with their authors; those beyond
`MOST_KEPT` are deleted by whoever writes the next. Earlier releases gave all versions one key.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from time import monotonic
from typing import ClassVar, NamedTuple, Self

from dataflow.catalogue.declared import FILTER_RULES, UTM_SOURCES
from dataflow.engine.leaderless import ELECTION_SECONDS
from dataflow.errors import DataflowError, Misconfigured
from dataflow.kafka.consumers import FETCH_MAX_WAIT_MS, client_of, reader
from dataflow.kafka.errors import Fenced, IncompatibleBrokerVersion
from dataflow.kafka.producers import TransactionalProducer
from dataflow.kafka.reading import read_more, read_to_end
from dataflow.kafka.record import Headers, Record
from dataflow.kafka.topic_ids import TopicRow, topic_rows
from dataflow.kafka.transaction import transaction, transactional_producer
from dataflow.kafka.types import Consumer, TopicPartition
from dataflow.stages.filter_document import read_document
from dataflow.stages.source_category import DEFAULT_UTM_SOURCES, read_utm_sources
from dataflow.topics import existing_topics

NUMBER, AUTHOR, REVERTS = "version", "author", "reverts"
MOST_KEPT, MOST_KEPT_BYTES = 1_000, 32 << 20  # versions of one document
ELECTION_POLL_SECONDS = 0.2
TRANSACTION_TIMEOUT_MS = 30_000
LARGEST_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Document:
    """A kind of document; `check(raw, origin)` raises `Misconfigured` for an invalid one."""

    topic: str
    name: str
    """For people: ``filter rules``."""
    check: Callable[[bytes, str], object]
    empty: bytes
    """The document before the first version."""
    partition: ClassVar[int] = 0
    """Of the topic, whose order decides which version is the last."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a document; numbers count from 1, and 0 is the empty document.

    The last in the log counts, whatever its number.
    """

    number: int
    raw: bytes
    offset: int = field(default=-1, compare=False)
    key: bytes | None = field(default=None, compare=False)
    at_ms: int | None = field(default=None, compare=False)
    """When it was written, ms since 1970 UTC, by the broker's clock; None for the empty document."""
    author: str | None = field(default=None, compare=False)
    """Who wrote it; None: an earlier release, or somebody past the program."""
    reverts: int | None = field(default=None, compare=False)
    """The version whose content it has again; None: it is new."""


class Authorship(NamedTuple):
    """Who writes a version, and of which one it is a revert."""

    author: str
    reverts: int | None = None

    @property
    def headers(self) -> Headers:
        """The headers of the version that say so."""
        reverts: Headers = [] if self.reverts is None else [(REVERTS, b"%d" % self.reverts)]
        return [(AUTHOR, self.author.encode(errors="backslashreplace")), *reverts]


class VersionLog:
    """The last valid version after the records that were read; made by `open_version_log`.

    An invalid record, written by hand, changes nothing; so every reader comes to the same result.
    """

    def __init__(self, consumer: Consumer, document: Document, kept: list[Version] | None = None) -> None:
        """Put every valid version into `kept`, if it is given."""
        self._consumer, self._document, self._kept = consumer, document, kept
        self._tp = TopicPartition(document.topic, document.partition)
        self.last = Version(0, document.empty)
        self.highest = 0  # highest version number of any record
        self.fault: Misconfigured | None = None  # the fault of the last record; None if it is valid

    async def topic(self) -> TopicRow | None:
        """Return the topic as the broker has it; None for a broker before 2.8."""
        try:
            [row] = await topic_rows(client_of(self._consumer), [self._tp.topic])
        except IncompatibleBrokerVersion:
            return None
        return row

    async def has_leader(self) -> bool:
        """Tell whether the versions can be read, as far as the broker says."""
        row = await self.topic()
        return row is None or self._tp.partition not in row.leaderless_partitions

    async def is_led(self) -> bool:
        """Tell the same, once an election is over that may go on now."""
        deadline = monotonic() + ELECTION_SECONDS
        while not await self.has_leader():
            if monotonic() >= deadline:
                return False
            await asyncio.sleep(ELECTION_POLL_SECONDS)
        return True

    async def read_to_end(self) -> Self:
        """Read all that is committed by now."""
        async for _, records in read_to_end(self._consumer, [self._tp]):
            await self._apply_aside(list(records))
        return self

    async def read_more(self, wait_seconds: float) -> Self:
        """Read new records; wait up to `wait_seconds` for some."""
        await self._apply_aside(await read_more(self._consumer, self._tp, wait_seconds))
        return self

    async def _apply_aside(self, records: Sequence[Record]) -> None:
        """Check them in a thread: a thousand versions may take seconds, for which no batch waits."""
        if records:
            await asyncio.to_thread(self._apply, records)

    def _apply(self, records: Iterable[Record]) -> None:
        for record in records:
            if record.value is None:  # deletes an old version, for compaction
                continue
            number, raw = _number_of(record, NUMBER) or 0, record.value
            try:
                self._document.check(raw, f"{self._document.topic} at offset {record.offset}")
            except Misconfigured as fault:
                self.fault = fault
            else:
                number = number or record.offset + 1  # written past us: one that no earlier version has
                self.last, self.fault = _version_of(record, number, raw), None
                if self._kept is not None:
                    self._kept.append(self.last)
            self.highest = max(self.highest, number)


def _version_of(record: Record, number: int, raw: bytes) -> Version:
    author = dict(record.headers).get(AUTHOR)
    return Version(
        number,
        raw,
        record.offset,
        record.key,
        record.timestamp,
        None if author is None else author.decode(errors="replace"),
        _number_of(record, REVERTS),
    )


def _number_of(record: Record, header: str) -> int | None:
    number = dict(record.headers).get(header) or b""
    return int(number) if number.isdigit() and len(number) < 19 else None


FILTER_RULES_DOCUMENT = Document(FILTER_RULES.name, "filter rules", read_document, b"[]")
UTM_SOURCES_DOCUMENT = Document(
    UTM_SOURCES.name, "UTM sources", read_utm_sources, DEFAULT_UTM_SOURCES.read_bytes()
)


@asynccontextmanager
async def existing_log(
    connection: Mapping[str, object], document: Document, kept: list[Version] | None = None
) -> AsyncIterator[VersionLog]:
    """Give the log of a document; raise `DataflowError` if its topic is missing, or has no leader."""
    if document.topic not in await existing_topics(connection):
        raise DataflowError(
            f"topic {document.topic} is missing; expected `dataflow topics` or a worker to have made it"
        )
    async with open_version_log(connection, document, kept=kept) as versions:
        if not await versions.is_led():
            raise DataflowError(
                f"partition {document.partition} of {document.topic} has no leader; expected a broker that "
                "has it in sync. Try again when one runs"
            )
        yield versions


async def last_version(connection: Mapping[str, object], document: Document) -> Version:
    """Return the last valid version; raise `DataflowError` if the topic cannot be read."""
    async with existing_log(connection, document) as versions:
        return (await versions.read_to_end()).last


@asynccontextmanager
async def open_version_log(
    connection: Mapping[str, object],
    document: Document,
    fetch_max_wait_ms: int = FETCH_MAX_WAIT_MS,
    kept: list[Version] | None = None,
) -> AsyncIterator[VersionLog]:
    """Give the log of a document, to be read from its begin; every valid version goes into `kept`."""
    async with reader(connection, fetch_max_wait_ms=fetch_max_wait_ms) as consumer:
        consumer.assign([TopicPartition(document.topic, document.partition)])
        yield VersionLog(consumer, document, kept)


class VersionConflict(DataflowError):
    """The document has another version than expected, or is about to have one."""


async def put_version(
    connection: Mapping[str, object],
    app_id: str,
    document: Document,
    raw: bytes,
    follows: int | None,
    by: Authorship,
) -> Version:
    """Write `raw` as the next version, if the last one is number `follows`; None: whatever it is.

    Raises `Misconfigured` for an invalid document, `VersionConflict` and `KafkaError`.
    """
    document.check(raw, document.name)
    transactional_id = f"{app_id}-{document.topic}"
    try:
        async with transactional_producer(
            connection, transactional_id, timeout_ms=TRANSACTION_TIMEOUT_MS, max_request_bytes=LARGEST_BYTES
        ) as producer:
            kept: list[Version] = []
            async with open_version_log(connection, document, kept=kept) as log:
                await log.read_to_end()
            if follows is not None and log.last.number != follows:
                raise VersionConflict(
                    f"version of the {document.name} is {log.last.number}; expected {follows}"
                )
            version, outdated = Version(log.highest + 1, raw), outdated_keys(kept, len(raw))
            return await _append(producer, document.topic, version, by, outdated)
    except Fenced as error:
        told = f"{document.name} are being changed by another writer; expected one at a time"
        raise VersionConflict(told) from error


async def _append(
    producer: TransactionalProducer, topic: str, version: Version, by: Authorship, outdated: Iterable[bytes]
) -> Version:
    number = b"%d" % version.number
    headers: Headers = [(NUMBER, number), *by.headers]
    async with transaction(producer):
        await producer.send(topic, version.raw, number, partition=0, headers=headers)
        for key in outdated:
            await producer.send(topic, None, key, partition=0)
    return version


def outdated_keys(kept: Sequence[Version], new_bytes: int) -> set[bytes]:
    """Return the keys of versions that are not kept beside a new one of this size; the newest are."""
    sizes = accumulate((len(version.raw) for version in reversed(kept)), initial=new_bytes)
    fitting = sum(size <= MOST_KEPT_BYTES for size in sizes) - 1
    first = len(kept) - max(min(fitting, MOST_KEPT - 1), 0)
    outdated, still = ({version.key for version in some} for some in (kept[:first], kept[first:]))
    return {key for key in outdated - still if key is not None}
