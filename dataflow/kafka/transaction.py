"""Transactions: what is sent inside is committed together or not at all; one error when we are fenced."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress

from aiokafka.errors import (
    IllegalOperation,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTxnState,
    KafkaError,
    ProducerFenced,
    TopicAuthorizationFailedError,
)

from dataflow.kafka.clients import drop, start
from dataflow.kafka.errors import Fenced, RecordsRefused
from dataflow.kafka.producers import TransactionalProducer

ABORT_SECONDS = 2.0
_FENCED = (ProducerFenced, InvalidProducerEpoch, InvalidProducerIdMapping, InvalidTxnState)


@asynccontextmanager
async def transaction(producer: TransactionalProducer) -> AsyncIterator[None]:
    """Commit what is sent inside once the broker has acknowledged all of it.

    Raises `Fenced`, `RecordsRefused` and `KafkaError`. After an error the producer is not used
    again: the transaction ends when another one with its id starts, or by its timeout.
    """
    with _translated_errors(producer):
        await producer.begin_transaction()
        yield
        # commit_transaction() would not notice a batch that failed.
        await producer.acknowledged()
        await producer.commit_transaction()


@asynccontextmanager
async def transactional_producer(
    connection: Mapping[str, object], transactional_id: str, compression: str | None = None, **limits: int
) -> AsyncIterator[TransactionalProducer]:
    """Start the one producer of this id: it ends what another one has under way, and fences that.

    What is open at the end is aborted, so that no reader has to wait for its timeout.
    """
    producer = TransactionalProducer(connection, transactional_id, compression, **limits)
    try:
        with _translated_errors(producer):
            await start(producer)
        yield producer
    finally:
        if producer.is_in_transaction:
            with suppress(KafkaError, OSError):
                await asyncio.wait_for(producer.abort_transaction(), ABORT_SECONDS)
        await drop(producer)


@contextmanager
def _translated_errors(producer: TransactionalProducer) -> Iterator[None]:
    try:
        yield
    except (KafkaError, IllegalOperation, AssertionError) as error:
        ended_by = producer.transaction_error  # read in any case: asyncio logs what nobody reads
        if isinstance(error, KafkaError):
            _raise_translated(producer, error)
            raise
        # By the other two aiokafka refuses calls after the error that has ended the transaction.
        if ended_by is None:
            raise
        _raise_translated(producer, ended_by)
        raise ended_by from error


def _raise_translated(producer: TransactionalProducer, error: BaseException) -> None:
    if isinstance(error, _FENCED) or isinstance(error.__cause__, _FENCED):
        raise Fenced(
            f"transactional id {producer.transactional_id} is used by another producer, or the broker has "
            "waited too long for this transaction; expected one producer at a time"
        ) from error
    if isinstance(error, TopicAuthorizationFailedError):
        [topics] = error.args  # aiokafka names one as it is, several as a set
        raise RecordsRefused([topics] if isinstance(topics, str) else topics, error) from error
