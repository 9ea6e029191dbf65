"""Acknowledgements of a transaction: of several errors, the one that says what to do is raised."""

import asyncio

import pytest
from aiokafka.errors import ProducerFenced, TopicAuthorizationFailedError

from dataflow.kafka.connection import connection
from dataflow.kafka.errors import RecordsRefused
from dataflow.kafka.producers import TransactionalProducer


async def acknowledged(*errors: Exception | None) -> None:
    """Wait for record batches of a producer, of which each fails by one of these; None is on its way."""
    producer = TransactionalProducer(connection(["192.0.2.1:9092"]), "id")
    for number, error in enumerate(errors):
        sent = asyncio.get_running_loop().create_future()
        if error is not None:
            sent.set_exception(error)
        producer._note(f"topic-{number}", sent)
    try:
        await asyncio.wait_for(producer.acknowledged(), 30)
    finally:
        await producer.client.close()
        producer._closed = True  # it was never started


async def test_what_a_topic_refuses_comes_before_what_follows_from_it():
    """Five times fenced in a minute a worker ends; of a right that is missing it pauses one stream."""
    with pytest.raises(RecordsRefused, match="topic topic-1 has refused records"):
        await acknowledged(ProducerFenced(), TopicAuthorizationFailedError("topic-1"), None)


async def test_an_error_is_not_waited_with_for_a_refusal():
    """The producer writes nothing more: what is on its way may never be answered."""
    with pytest.raises(ProducerFenced):
        await acknowledged(ProducerFenced(), None)
