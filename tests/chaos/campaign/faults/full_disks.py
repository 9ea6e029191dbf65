"""A disk of a broker that is full.

A limit on the size of its files stands in for it: anybody may lower the limits of his own processes, only
root may mount a small disk. The broker sees the same: appends fail, its only folder is offline, and it ends.
"""

import resource
from collections.abc import Iterator
from random import Random

from chaos.campaign.registry import fault
from chaos.campaign.site import Site
from chaos.waiting import wait_until

NOTICED_SECONDS = 60


@fault
def fill_broker_disk(site: Site, dice: Random) -> Iterator[None]:
    """Leave it no room; it ends, and is started again when there is some."""
    node = dice.choice(site.brokers.nodes)
    _, most = resource.prlimit(node.broker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(node.broker.pid, resource.RLIMIT_FSIZE, (1, most))
    wait_until(lambda: not node.is_running, NOTICED_SECONDS, "a broker that notices that its disk is full")
    yield
    node.start()
