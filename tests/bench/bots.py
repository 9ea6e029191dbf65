"""Bots: how many of the lists' own examples are found, and how many people's devices are taken for one."""

import time
from collections.abc import Collection, Iterator
from importlib.resources import files
from typing import Any

import yaml_rs
from contest import Arena
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from promise import Promise, Sizes

from dataflow.stages.bots import BotList

FIXTURES = files("device_detector").joinpath("tests", "fixtures", "upstream")


def crawlers() -> set[str]:
    """Return the examples of crawler-user-agents."""
    return {text for entry in CRAWLER_USER_AGENTS_DATA for text in entry.get("instances", ())}


def matomo_bots() -> set[str]:
    """Return Matomo's examples of bots."""
    return _texts("bots.yml")


def devices() -> set[str]:
    """Return Matomo's examples of what people use."""
    names = {file.name for file in FIXTURES.iterdir() if file.name.endswith(".yml")} - {"bots.yml"}
    return set().union(*map(_texts, names))


def _texts(name: str) -> set[str]:
    entries: Any = yaml_rs.loads(FIXTURES.joinpath(name).read_text("utf-8"))
    return {entry["user_agent"] for entry in entries}


def bots(arena: Arena, sizes: Sizes) -> Iterator[Promise]:
    """Ask of every example whether it is a bot."""
    listed = BotList()

    def found(texts: Collection[str]) -> int:
        return sum(map(listed.has, texts))

    for name, texts, least in (
        ("crawler-user-agents", crawlers(), 0.97),
        ("Matomo", matomo_bots(), 0.9),
    ):
        share = found(texts) / len(texts)
        yield Promise(
            f"bots found, of {len(texts):,} of {name}", f"{share:.1%}", f"≥ {least:.0%}", share >= least
        )
    people = devices()
    began = time.process_time()
    wrong = found(people)
    us = (time.process_time() - began) / len(people) * 1e6
    yield Promise(
        f"devices of people taken for bots, of {len(people):,} of Matomo",
        f"{wrong}, {us:.1f} µs for a user agent that is new",
        "≤ 1 in 10,000",
        wrong * 10_000 <= len(people),
    )
