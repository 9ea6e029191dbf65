"""Workers that stand still: past their session, and past the timeout of their transaction."""

import time
from collections.abc import Iterator
from random import Random

from chaos.campaign.registry import fault
from chaos.campaign.site import SESSION_MS, Site

from dataflow.kafka.producers import TRANSACTION_TIMEOUT_MS


@fault
def freeze_worker(site: Site, dice: Random) -> Iterator[None]:
    """Stop any worker past its session, and wake it up when others have its partitions: a zombie."""
    worker = dice.choice(site.workers)
    worker.freeze()
    time.sleep(dice.uniform(1.2, 2.5) * SESSION_MS / 1_000)
    yield
    worker.wake()


@fault
def hold_transactions(site: Site, _: Random) -> Iterator[None]:
    """Let workers begin transactions, and hear nothing of it for longer than those may last."""
    for wire in site.brokers.wires:
        wire.swallow(only_answers=True)
    time.sleep(TRANSACTION_TIMEOUT_MS / 1_000 + 1)
    yield
    for wire in site.brokers.wires:
        wire.mend()
