"""The campaign: faults in; each done to a site at work and mended, and all of it checked in between, out."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random

from chaos.campaign.footprint import Footprint
from chaos.campaign.registry import all_faults
from chaos.campaign.site import SINK_TOPICS, Site
from chaos.campaign.verdict import check_all
from chaos.waiting import wait_until

from dataflow.demo.samples import SAMPLE_TOPICS

BROKEN_SECONDS = 0.2, 3.0
"""How long something stays broken, at least and at most, beside what the fault itself takes."""
SILENT_SECONDS = 30
POLL_SECONDS = 0.3
OBJECTS_GROUP = "dataflow-sink-s3"


@dataclass(frozen=True)
class Step:
    """One fault and what its dice begin with, so that it is the same in any sequence."""

    fault: str
    seed: int

    def __str__(self) -> str:
        return f"{self.fault}:{self.seed}"

    @classmethod
    def parse(cls, text: str) -> "Step":
        """Return what `str` has written."""
        fault, _, seed = text.partition(":")
        return cls(fault, int(seed or 0))


@dataclass(frozen=True)
class Struck:
    """A fault that is over."""

    step: Step
    broken_seconds: float
    silent_seconds: float
    """From when it was mended until every stream and sink moved again."""


@dataclass(frozen=True)
class Plan:
    """What is done, and how often it is checked."""

    steps: Sequence[Step]
    seed: int
    check_every: int = 10
    per_second: int = 60
    silent_seconds: float = SILENT_SECONDS


@dataclass(frozen=True)
class Progress:
    """Who is told: of each fault that is over, and of each check with how many records there are."""

    on_struck: Callable[[int, Struck], None]
    on_checked: Callable[[int, int], None]


def draw(faults: int, seed: int, only: Sequence[str] = ()) -> list[Step]:
    """Return so many faults: every kind once, in any order, before any comes again."""
    dice, names, steps = Random(seed), list(only or all_faults()), list[Step]()
    while len(steps) < faults:
        dice.shuffle(names)
        steps += [Step(name, dice.randrange(10**6)) for name in names]
    return steps[:faults]


def run(plan: Plan, starting: AbstractContextManager[Site], progress: Progress) -> None:
    """Do it to a site that is started for it; an AssertionError says what has gone wrong."""
    with starting as site:
        _wait_moving(site, 120)
        at_first = _check(site, {})
        progress.on_checked(0, 0)
        for number, step in enumerate(plan.steps, 1):
            progress.on_struck(number, _strike(site, step, plan.silent_seconds))
            if number % plan.check_every == 0 or number == len(plan.steps):
                records = check_records(site)
                _check(site, at_first)
                progress.on_checked(number, records)
                site.load.resume()


def check_records(site: Site) -> int:
    """Let the site come to rest, and check all of it."""
    for worker in site.workers:
        worker.wait_ready(120)
    site.load.pause()
    return check_all(site)


def _strike(site: Site, step: Step, silent_seconds: float) -> Struck:
    dice, began = Random(step.seed), time.monotonic()
    with all_faults()[step.fault](site, dice):
        time.sleep(dice.uniform(*BROKEN_SECONDS))
    mended = time.monotonic()
    _wait_moving(site, silent_seconds)
    return Struck(step, mended - began, time.monotonic() - mended)


def _wait_moving(site: Site, seconds: float) -> None:
    """Wait until every partition of the streams, and every other topic of a group, has moved."""
    before = _positions(site)
    left: list[object] = []

    def all_move() -> bool:
        time.sleep(POLL_SECONDS)
        site.check_alive()
        now = _positions(site)
        left[:] = [place for place, at in before.items() if now.get(place, 0) <= at]
        return not left

    wait_until(all_move, seconds, lambda: f"progress of {left}; {site.cluster.tails()}")


def _positions(site: Site) -> dict[object, int]:
    """Return what is committed: of each partition that is sent to steadily, else of the whole topic."""
    positions: dict[object, int] = {}
    for (group, topic, partition), at in site.all_committed().items():
        place = (topic, partition) if topic in SAMPLE_TOPICS else (group, topic)
        positions[place] = positions.get(place, 0) + at
    # This sink commits at the end of an object, and puts it again and again until then.
    return positions | {(OBJECTS_GROUP, SINK_TOPICS["s3"]): site.s3.stored_bytes()}


def _check(site: Site, at_first: dict[str, Footprint]) -> dict[str, Footprint]:
    """Check memory and files by role, if it is known what they were at first; return the largest."""
    largest: dict[str, Footprint] = {}
    for worker in site.workers:
        role, footprint = worker.environment["DATAFLOW_ROLE"], Footprint.of(worker)
        if role in at_first:
            footprint.check(worker, at_first[role])
        before = largest.get(role, footprint)
        largest[role] = Footprint(
            max(before.megabytes, footprint.megabytes), max(before.files, footprint.files)
        )
    return largest
