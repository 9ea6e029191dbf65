"""The campaign against a peer: faults in; what was lost, doubled or miscounted, and longest silence, out."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import cast

from chaos.campaign.campaign import BROKEN_SECONDS, Step
from chaos.campaign.registry import all_faults
from chaos.campaign.site import Site
from chaos.peers.site import PeerSite, running_peer
from contestant import Contestant

APPLIES = (
    "kill_enricher", "kill_all_enrichers", "freeze_worker", "roll_enrichers", "kill_broker",
    "kill_two_brokers", "freeze_broker", "restart_broker", "move_coordinator", "elect_leaders",
    "cut_brokers", "black_hole",
    "half_open", "slow_network", "hold_transactions",
)  # fmt: skip
"""Faults that need nothing of ours: no address, no clock, no rules, no sinks."""
START_SECONDS = 180
STUCK_SECONDS = 60
"""An operator does not wait for longer."""
QUIET_SECONDS = 30
COUNTING_SECONDS = 15
"""A program may count behind a topic of its own, some time after it has sent a booking on."""
POLL_SECONDS = 0.1


@dataclass
class Outcome:
    """What has become of a program's work."""

    title: str
    faults: int = 0
    bookings: int = 0
    lost: int = 0
    doubled: int = 0
    windows: int = 0
    wrong_windows: int = 0
    silent_seconds: float = 0.0
    """The longest time from when a fault was mended until every partition moved again."""
    stuck: int = 0
    """How often an operator had to start all workers again."""
    crashes: int = 0
    """How often a worker ended by itself."""


def run(
    contestant: Contestant, steps: Sequence[Step], folder: Path, per_second: int,
    tell: Callable[[str], None],
) -> Outcome:  # fmt: skip
    """Do the faults to a program at work, and compare what it has made with an independent count."""
    outcome = Outcome(contestant.title)
    with running_peer(contestant, folder, per_second) as site:
        # A program that does not work before the first fault says nothing of faults.
        assert _wait_moving(site, START_SECONDS, time.monotonic()), site.tails()
        for step in steps:
            silent = _strike(site, step, outcome)
            outcome.faults += 1
            tell(
                f"{contestant.who}: {outcome.faults}/{len(steps)} {step}, silent for {silent:.1f} s after it"
            )
        outcome.crashes = site.crashes
        _judge(site, outcome)
    return outcome


def _strike(site: PeerSite, step: Step, outcome: Outcome) -> float:
    dice = Random(step.seed)
    with all_faults()[step.fault](cast("Site", site), dice):  # has all that these faults break
        _keep_running(site, dice.uniform(*BROKEN_SECONDS))
    mended = time.monotonic()
    if not _wait_moving(site, STUCK_SECONDS, mended):
        outcome.stuck += 1
        site.restart_all()
        _wait_moving(site, START_SECONDS, mended)
    silent = time.monotonic() - mended
    outcome.silent_seconds = max(outcome.silent_seconds, silent)
    return silent


def _keep_running(site: PeerSite, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        site.restart_ended()
        time.sleep(POLL_SECONDS)


def _wait_moving(site: PeerSite, seconds: float, since: float) -> bool:
    """Wait until every partition has moved; tell whether it has."""
    until = time.monotonic() + seconds
    while not site.output.moved_since(since):
        if time.monotonic() > until:
            return False
        _keep_running(site, POLL_SECONDS)
    return True


def _judge(site: PeerSite, outcome: Outcome) -> None:
    site.sent.pause()
    _wait_all_out(site)
    worker = site.recover_alone()
    site.sent.send_each_once()
    _wait_all_out(site)
    _keep_running(site, COUNTING_SECONDS)
    worker.stop()
    seen, outcome.bookings = site.output.seen, site.sent.count
    outcome.lost = sum(not seen[number] for number in range(site.sent.count))
    outcome.doubled = sum(times > 1 for times in seen.values())
    expected, found = site.sent.counts(), site.counts(worker)
    outcome.windows = len(expected)
    outcome.wrong_windows = sum(found.get(cell) != count for cell, count in expected.items())


def _wait_all_out(site: PeerSite) -> None:
    """Wait until all bookings have come out, or nothing comes any more."""
    until = time.monotonic() + QUIET_SECONDS
    while len(site.output.seen) < site.sent.count:
        if time.monotonic() > until and site.output.quiet_seconds > QUIET_SECONDS:
            return
        _keep_running(site, POLL_SECONDS)
