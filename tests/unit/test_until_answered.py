"""Until answered: what asks a broker in; its result out, tried again while the broker is away."""

import pytest
from aiokafka.errors import NodeNotReadyError, TopicAuthorizationFailedError

from dataflow.demo.broker.ports import free_port
from dataflow.kafka.admin import until_answered
from dataflow.kafka.connection import connection

NOWHERE = connection([f"127.0.0.1:{free_port()}"])


async def test_a_broker_that_goes_while_it_is_asked_is_asked_again():
    """Of three brokers one had just died: a worker that started then, and read its rules, ended."""
    errors = [NodeNotReadyError("a broker is gone"), ConnectionResetError()]

    async def ask() -> str:
        if errors:
            raise errors.pop()
        return "the rules"

    assert await until_answered(NOWHERE, ask) == "the rules"


async def test_what_no_second_try_makes_better_is_raised_at_once():
    """Who waits for a right without a word waits for ever."""

    async def ask() -> str:
        raise TopicAuthorizationFailedError("filter-rules")

    with pytest.raises(TopicAuthorizationFailedError):
        await until_answered(NOWHERE, ask)
