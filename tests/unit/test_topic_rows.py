"""Topic rows: which node of the cluster is asked about topics."""

import pytest

from dataflow.kafka.errors import KafkaError
from dataflow.kafka.topic_ids import topic_ids


class Connection:
    """One that is open, or not."""

    def __init__(self, is_open: bool) -> None:
        self.connected = lambda: is_open


class Client:
    """Has connections to some nodes; notes whom it asks, and gets no answer."""

    def __init__(self, connections: dict[int, bool]) -> None:
        self._conns = {(node, 0): Connection(is_open) for node, is_open in connections.items()}
        self.asked: list[int] = []

    def get_random_node(self) -> int:
        """Return a node that may have died."""
        return 9

    async def send(self, node: int, request: object) -> object:
        """Note the node."""
        self.asked.append(node)
        raise KafkaError


@pytest.mark.parametrize(
    ("connections", "asked"), [({0: True}, 0), ({1: False, 2: True}, 2), ({1: False}, 9), ({}, 9)]
)
async def test_a_node_that_answers_is_asked_also_if_it_is_the_first(connections: dict[int, bool], asked: int):
    """Number 0 was taken for none, and a dead broker asked in its place."""
    client = Client(connections)
    with pytest.raises(KafkaError):
        await topic_ids(client, {"bookings"})
    assert client.asked == [asked]
