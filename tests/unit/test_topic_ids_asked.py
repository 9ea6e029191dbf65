"""Topic ids: whichever of the brokers is there is asked."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError, NodeNotReadyError

from dataflow.kafka.topic_ids import topic_ids


class Cluster:
    """A client that knows three nodes, and has connections to some; it notes who is asked."""

    def __init__(self, alive: set[int], connected: tuple[int, ...] = ()) -> None:
        self.alive, self.asked = alive, list[int]()
        self._conns = {(node, 0): SimpleNamespace(connected=lambda: True) for node in connected}
        self.cluster = SimpleNamespace(brokers=lambda: [SimpleNamespace(nodeId=node) for node in range(3)])

    async def send(self, node: int, _: object) -> SimpleNamespace:
        """Answer for a node, or not."""
        self.asked.append(node)
        if node not in self.alive:
            raise NodeNotReadyError(f"{node}") if node else KafkaConnectionError(f"{node}")
        return SimpleNamespace(topics=[(0, "events", 0, 1, False, (), 0, {})])


@pytest.mark.parametrize("alive", range(3))
async def test_a_dead_broker_is_not_the_last_that_is_asked(alive: int):
    """The one that was asked may have died a moment ago, while others still list it."""
    client: Any = Cluster({alive})
    assert await topic_ids(client, ["events"]) == {"events": f"{1:032x}"}
    assert client.asked == list(range(alive + 1))


@pytest.mark.parametrize("node", [0, 2])
async def test_a_broker_that_we_are_connected_to_is_asked_first(node: int):
    """It costs no connection, and waits for nobody; number 0 is a node like any other."""
    client: Any = Cluster({0, 1, 2}, connected=(node,))
    await topic_ids(client, ["events"])
    assert client.asked == [node]


async def test_without_any_broker_it_is_an_error_that_is_waited_for():
    """Recovery tries again, then."""
    client: Any = Cluster(set())
    with pytest.raises(KafkaError):
        await topic_ids(client, ["events"])
    assert client.asked == [0, 1, 2]
