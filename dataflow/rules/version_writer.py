"""Version writer: writes a new version of a document, if the last one is the expected one.

Compare and set, with one transactional id. Starting a producer aborts the open transaction of
another writer and fences it. Then the last version is read and compared, and the new one is
written in a transaction. So of two writers that saw the same version at most one succeeds: if the
second starts before the first has committed, the first is fenced; if after, the second reads the
version of the first.
"""

from collections.abc import Mapping

from dataflow.errors import DataflowError
from dataflow.kafka.errors import Fenced
from dataflow.kafka.producers import TransactionalProducer
from dataflow.kafka.transaction import transaction, transactional_producer
from dataflow.rules.version import KEY, Document, Version, headers_of
from dataflow.rules.version_reader import version_reader

TRANSACTION_TIMEOUT_MS = 30_000
LARGEST_BYTES = 8 << 20


class VersionConflict(DataflowError):
    """The document has another version than expected, or is about to have one."""


async def put_version(
    connection: Mapping[str, object], app_id: str, document: Document, raw: bytes, follows: int | None
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
            return await _follow(connection, producer, document, raw, follows)
    except Fenced as error:
        raise VersionConflict(
            f"{document.name} are being changed by another writer; expected one at a time"
        ) from error


async def _follow(
    connection: Mapping[str, object],
    producer: TransactionalProducer,
    document: Document,
    raw: bytes,
    follows: int | None,
) -> Version:
    async with version_reader(connection, document) as reader:
        log = await reader.read_to_end()
    if follows is not None and log.last.number != follows:
        raise VersionConflict(f"version of the {document.name} is {log.last.number}; expected {follows}")
    number = log.highest + 1
    async with transaction(producer):
        await producer.send(document.topic, raw, KEY, partition=0, headers=headers_of(number))
    return Version(number, raw)
