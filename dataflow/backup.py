"""Backup: what no retention deletes and no source holds again, in one file; and back into a new cluster."""

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

import msgspec

from dataflow.catalogue.declared import AUDIT_LOG, CHANGED_WHILE_IT_RUNS, INGESTED_INPUTS
from dataflow.errors import UNREADABLE, DataflowError, Misconfigured
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.kafka.consumers import reader
from dataflow.kafka.reading import read_to_end
from dataflow.kafka.record import Record
from dataflow.kafka.transaction import transaction, transactional_producer
from dataflow.kafka.types import TopicPartition

RESTORED: Final = (*(topic.name for topic in CHANGED_WHILE_IT_RUNS), INGESTED_INPUTS.name)
KEPT: Final = (*RESTORED, AUDIT_LOG.name)
"""The audit log is kept to be read: in a topic its records would get the time of the restore."""

MOST_LINE_BYTES: Final = 64 << 20
"""Of one record; topics take records of 1 MB."""
LARGEST_BYTES: Final = 8 << 20
TRANSACTION_TIMEOUT_MS: Final = 60_000


class KeptRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One record of a topic; bytes are base64 in JSON."""

    topic: str
    partition: int
    timestamp: int
    """When it was written, ms since 1970 UTC."""
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]] = []


class End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last line of a file: without it, the file was cut off."""

    records: int


async def backed_up(connection: Mapping[str, object]) -> list[KeptRecord]:
    """Return the last record of each key of these topics, and the audit log, as they are committed now."""
    async with running(Admin(connection)) as admin:
        tps = await admin.partitions(KEPT)
    kept: dict[tuple[TopicPartition, bytes | int], KeptRecord] = {}
    async with reader(connection) as consumer:
        consumer.assign(tps)
        async for tp, records in read_to_end(consumer, tps):
            for record in records:
                key = record.offset if record.key is None else record.key
                kept.pop((tp, key), None)  # the order is that of the last ones
                kept[tp, key] = _kept(tp, record)
    return [record for record in kept.values() if record.value is not None]


def _kept(tp: TopicPartition, record: Record) -> KeptRecord:
    return KeptRecord(
        tp.topic, tp.partition, record.timestamp, record.key, record.value, list(record.headers)
    )


async def restore(
    connection: Mapping[str, object], app_id: str, records: Iterable[KeptRecord]
) -> dict[str, int]:
    """Write the records into their topics, all or none; return how many each has got.

    Raises `DataflowError` for a topic that is missing, or holds records.
    """
    restored = [record for record in records if record.topic in RESTORED]
    await _check_empty(connection, restored)
    counts = dict.fromkeys(RESTORED, 0)
    async with (
        transactional_producer(
            connection,
            f"{app_id}-{CHANGED_WHILE_IT_RUNS[0].name}",  # a writer of rules is fenced meanwhile
            timeout_ms=TRANSACTION_TIMEOUT_MS,
            max_request_bytes=LARGEST_BYTES,
        ) as producer,
        transaction(producer),
    ):
        for one in restored:
            await producer.send(
                one.topic, value=one.value, key=one.key, partition=one.partition, headers=one.headers
            )
            counts[one.topic] += 1
    return counts


async def _check_empty(connection: Mapping[str, object], records: Iterable[KeptRecord]) -> None:
    async with running(Admin(connection)) as admin:
        tps = await admin.partitions(RESTORED)
    for record in records:
        if TopicPartition(record.topic, record.partition) not in tps:
            raise DataflowError(
                f"partition {record.partition} of topic {record.topic} is missing; "
                "expected `dataflow topics` to have made it"
            )
    async with reader(connection) as consumer:
        consumer.assign(tps)
        async for tp, found in read_to_end(consumer, tps):
            if any(record.value is not None for record in found):
                raise DataflowError(
                    f"topic {tp.topic} holds records; expected an empty one, before the first worker starts"
                )


def write_backup(path: Path, records: Sequence[KeptRecord]) -> None:
    """Write a new file, whole or not at all: one record a line, then the end. Raises `DataflowError`."""
    encode = msgspec.json.Encoder().encode
    try:
        if path.exists():  # `/` and `.`, too, which have no name
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        part = path.with_name(f"{path.name}.part")
        with part.open("wb") as file:
            file.writelines(encode(line) + b"\n" for line in (*records, End(len(records))))
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError as error:
        raise Misconfigured(
            f"FILE is '{path}'; expected a new file that can be written ({error.strerror})"
        ) from error


def read_backup(path: Path) -> list[KeptRecord]:
    """Return the records of a file; raise `DataflowError` for one that is no whole backup."""
    try:
        with path.open("rb") as file:
            records, last = _records_and_last_line(file, path)
    except OSError as error:
        raise Misconfigured(
            f"FILE is '{path}'; expected a file that can be read ({error.strerror})"
        ) from error
    try:
        end = msgspec.json.decode(last, type=End)
    except UNREADABLE as error:
        raise DataflowError(
            f"{path} ends with line {len(records) + 1}, which is no end: it was cut off, or written by an "
            'earlier release; expected a last line {"records": …}, their number'
        ) from error
    if end.records != len(records):
        raise DataflowError(
            f"{path} has {len(records)} records; expected {end.records}, as its last line says"
        )
    return records


def _records_and_last_line(file: IO[bytes], path: Path) -> tuple[list[KeptRecord], bytes]:
    """Read line by line: another file, of any size, is refused at its first line."""
    records: list[KeptRecord] = []
    last = file.readline(MOST_LINE_BYTES)
    while line := file.readline(MOST_LINE_BYTES):
        records.append(_decoded(last, len(records) + 1, path))
        last = line
    return records, last


def _decoded(line: bytes, number: int, path: Path) -> KeptRecord:
    try:
        return msgspec.json.decode(line, type=KeptRecord)
    except UNREADABLE as error:
        expected = "expected a file that `dataflow backup` has written"
        raise DataflowError(f"line {number} of {path} is no record ({error}); {expected}") from error
