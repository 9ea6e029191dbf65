"""Visits: the requests of the sample, a list for each client, which generated clients repeat."""

import json
import random
from collections.abc import Callable, Mapping
from itertools import groupby, repeat
from typing import TypeVar

from dataflow.demo.generators.sessions import Sessions, draws
from dataflow.demo.samples import sample_events

LONGEST = 30
"""Requests: crawlers come again under another address instead of one for ever."""

Line = Mapping[str, str]
Rendered = TypeVar("Rendered")


def sample_visits() -> list[list[Line]]:
    """Return what each client of the sample did, in order; popular pages are as popular as they were."""
    lines = [json.loads(raw) for raw in sample_events("cdn-logs")]
    lines.sort(key=lambda line: str(line["cliIP"]))  # keeps the order of each client
    visits = []
    for _, requests in groupby(lines, key=lambda line: str(line["cliIP"])):
        of_client = list(requests)
        visits += [of_client[at : at + LONGEST] for at in range(0, len(of_client), LONGEST)]
    return visits


def visit_sessions(
    rng: random.Random, rate: float, render: Callable[[Line], Rendered]
) -> Sessions[tuple[bytes, Rendered]]:
    """Return sessions of clients, each with an address, that repeat what those of the sample did."""
    visits = draws(rng, [list(map(render, visit)) for visit in sample_visits()])
    return Sessions(rng, rate, lambda _: zip(repeat(_address(rng)), next(visits), strict=False))


def _address(rng: random.Random) -> bytes:
    """Return the address of a client; some networks have many more of them than others."""
    network = int(rng.paretovariate(1.0))
    host = rng.getrandbits(16)
    return b"%d.%d.%d.%d" % (1 + network * 7 % 223, network % 251, host >> 8, host & 255)
