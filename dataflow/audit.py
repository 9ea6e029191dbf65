"""Audit log: who has asked for what, and when, in a topic of its own that keeps it for ten years.

Versions of rules say their authors themselves; this is for what leaves no record with a name on it.
A record is written before what is asked for is done: without it, nothing is done.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from dataflow.catalogue.declared import AUDIT_LOG
from dataflow.errors import UNREADABLE
from dataflow.instants import iso
from dataflow.kafka.clients import running
from dataflow.kafka.consumers import reader
from dataflow.kafka.producers import IdempotentProducer
from dataflow.kafka.reading import read_last
from dataflow.kafka.types import TopicPartition
from dataflow.topics import ensure_topics, existing_topics

_PARTITION = TopicPartition(AUDIT_LOG.name, 0)

Detail = str | bool | int | float | None


class AuditedAction(StrEnum):
    """What is asked for."""

    REPLAY = "replay dead letters"
    START_SIMULATION = "start simulation"
    STOP_SIMULATION = "stop simulation"
    REBUILD = "rebuild table"
    RESUME = "resume stream"


class AuditRecord(msgspec.Struct, frozen=True):
    """Who has asked for what; the time is that of the record, by the broker's clock."""

    action: str
    author: str
    details: Mapping[str, Detail] = {}


class AuditEntry(AuditRecord, frozen=True):
    """A record as it is shown."""

    at: str = ""


async def write_audit(
    connection: Mapping[str, object], author: str, action: AuditedAction, **details: Detail
) -> None:
    """Write a record, in a topic that is made if it is missing; returns when the broker has it."""
    await ensure_topics(connection, [AUDIT_LOG])
    given = {name: detail for name, detail in details.items() if detail is not None}
    record = msgspec.json.encode(AuditRecord(action, author, given))
    async with running(IdempotentProducer(connection)) as producer:
        await producer.send_and_wait(AUDIT_LOG.name, record, partition=0)


async def read_audit(connection: Mapping[str, object], limit: int) -> list[AuditEntry]:
    """Return the newest entries, the newest first; none before anything was asked for."""
    if AUDIT_LOG.name not in await existing_topics(connection):
        return []
    entries: list[AuditEntry] = []
    async with reader(connection) as consumer:
        async for _, records in read_last(consumer, [_PARTITION], limit):
            entries += [audit_entry(record.value or b"", record.timestamp) for record in records]
    return entries[::-1]


def audit_entry(raw: bytes, at_ms: int) -> AuditEntry:
    """Return an entry of any record; one that somebody has written past the program says so."""
    try:
        record = msgspec.json.decode(raw, type=AuditRecord)
    except UNREADABLE:
        record = AuditRecord("(written past the program)", "(unknown)")
    return AuditEntry(record.action, record.author, record.details, iso(at_ms))
