"""Brokers that go: killed, two of three, frozen, restarted, the coordinator; and leaders elected."""

import time
from collections.abc import Iterator
from random import Random

from chaos.campaign.brokers import Node
from chaos.campaign.registry import fault
from chaos.campaign.site import Site
from confluent_kafka import ElectionType

FROZEN_SECONDS = 12
"""Longer than the session of a broker."""


@fault
def kill_broker(site: Site, dice: Random) -> Iterator[None]:
    """Kill one of three with -9."""
    yield from _killed(dice.choice(site.brokers.nodes))


@fault
def kill_two_brokers(site: Site, dice: Random) -> Iterator[None]:
    """Kill two of three: nothing can be written until one is back."""
    yield from _killed(*dice.sample(site.brokers.nodes, 2))


@fault
def freeze_broker(site: Site, dice: Random) -> Iterator[None]:
    """Stop one past its session: it wakes up, and believes that it leads."""
    node = dice.choice(site.brokers.nodes)
    node.freeze()
    time.sleep(FROZEN_SECONDS)
    yield
    node.wake()


@fault
def restart_broker(site: Site, dice: Random) -> Iterator[None]:
    """End one in good order, and start it again: an update."""
    node = dice.choice(site.brokers.nodes)
    node.stop()
    yield
    node.start()


@fault
def move_coordinator(site: Site, dice: Random) -> Iterator[None]:
    """End the broker that coordinates the group, or one that coordinates transactions."""
    number = dice.choice([site.brokers.coordinator("dataflow"), *site.brokers.leaders("__transaction_state")])
    node = next(node for node in site.brokers.nodes if node.number == number)
    node.stop()
    yield
    node.start()


@fault
def elect_leaders(site: Site, _: Random) -> Iterator[None]:
    """Have the first copy of every partition lead again, which moves what others have taken over."""
    site.brokers.admin.elect_leaders(ElectionType.PREFERRED, None).result(60)
    yield


def _killed(*nodes: Node) -> Iterator[None]:
    for node in nodes:
        node.kill()
    yield
    for node in nodes:
        node.broker.start()
    for node in nodes:
        node.broker.wait_ready(120)
