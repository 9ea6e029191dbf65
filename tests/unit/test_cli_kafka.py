"""Commands that need Kafka, where there is none."""

import socket

import pytest

from dataflow.cli.kafka import run_with_broker
from dataflow.errors import DataflowError
from dataflow.sinks.status import sink_statuses
from dataflow.topics import ensure_topics


def test_a_broker_that_is_not_there_is_told_by_its_address():
    """It was said to answer, with the name of an error and a list of address families."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        connection: dict[str, object] = {"bootstrap_servers": [address]}
        with pytest.raises(DataflowError) as caught:
            run_with_broker(connection, ensure_topics(connection, [], create=False))
        with pytest.raises(DataflowError) as of_sinks:
            run_with_broker(connection, sink_statuses(connection, "app", {}))
    expected = f"no broker can be reached at {address}: nobody listens at {address}; expected a broker there"
    assert str(caught.value) == str(of_sinks.value) == expected


def test_a_broker_that_does_not_answer_in_time_is_told_so():
    """A timeout has no words of its own: it was told as `answers with ''`."""

    async def wait() -> None:
        raise TimeoutError

    with pytest.raises(DataflowError, match="does not answer in time; expected it to serve"):
        run_with_broker({"bootstrap_servers": ["127.0.0.1:9"]}, wait())


def test_an_error_of_the_system_is_told_as_it_is():
    """Its first argument is a number, not the name of what is denied: that ended workers by a TypeError."""

    async def reset() -> None:
        raise ConnectionResetError(104, "Connection reset by peer")

    with pytest.raises(DataflowError, match=r"answers with '.*reset by peer'; expected it to serve"):
        run_with_broker({"bootstrap_servers": ["127.0.0.1:9"]}, reset())
