"""Writing: a new version in, and the one it is to follow; it is the last, or somebody else was quicker, out.

Compare and write by one transactional id. Who takes it first ends what another writer has under
way, and that one can write nothing more; then the last version is read, compared and followed in
one transaction. So of two writers that saw the same version one at most succeeds: either the
second takes the id before the first has committed, and the first is fenced; or after, and
then it reads the first one's version.
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
    """The document has another version than the one that was to be followed, or is about to have."""


async def put_version(
    connection: Mapping[str, object], app_id: str, document: Document, raw: bytes, follows: int | None
) -> Version:
    """Make `raw` the last version, if that is number `follows` now; None: whichever it is.

    Raises `Misconfigured` for what is no such document, `VersionConflict`, and `KafkaError`.
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
            f"{document.name} are being changed by somebody else; expected one at a time"
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
