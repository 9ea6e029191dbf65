"""Commands that need Kafka, where there is none."""

import socket

import pytest

from dataflow.cli.kafka import run_with_broker
from dataflow.errors import DataflowError
from dataflow.topics import ensure_topics


def test_a_broker_that_is_not_there_is_told_by_its_address():
    """It was said to answer, with the name of an error and a list of address families."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        connection: dict[str, object] = {"bootstrap_servers": [address]}
        with pytest.raises(DataflowError) as caught:
            run_with_broker(connection, ensure_topics(connection, [], create=False))
    expected = f"no broker can be reached at {address}: nobody listens at {address}; expected a broker there"
    assert str(caught.value) == expected


def test_an_error_of_the_system_is_told_as_it_is():
    """Its first argument is a number, not the name of what is denied: that ended workers by a TypeError."""

    async def reset() -> None:
        raise ConnectionResetError(104, "Connection reset by peer")

    with pytest.raises(DataflowError, match=r"answers with '.*reset by peer'; expected it to serve"):
        run_with_broker({"bootstrap_servers": ["127.0.0.1:9"]}, reset())
