"""A trial of filter rules: many lines in a topic in, how long a worker takes to judge them out."""

import time
from collections.abc import Iterator

import orjson
from cdn_lines import RULES, kept
from contest import Arena
from flows.cdn_logs import ShippedFilter
from promise import Promise, Sizes
from queries import ask
from worker import START_SECONDS, shipped_worker, wait_until_ready


def trial(arena: Arena, sizes: Sizes) -> Iterator[Promise]:
    """Ask a worker that has nothing else to do for a dry run over the last records of a topic."""
    lines = sizes.trial_lines
    wish = orjson.dumps({"rules": orjson.loads(RULES.read_bytes()), "topic": "cdn-logs", "last": lines})
    with shipped_worker(ShippedFilter(arena.cluster, "bench-trial", lines)) as (child, port):
        wait_until_ready(child, port)
        child.wait_until_idle(START_SECONDS)
        began = time.monotonic()
        status, body = ask(port, "/rules/dry-run", wish)
        seconds = time.monotonic() - began
    told = orjson.loads(body) if status == 200 else {}
    exact = told.get("lines") == lines and told.get("kept") == sum(1 for _ in kept(lines))
    yield Promise(
        f"dry run of five rules over {lines:,} lines of a topic",
        f"{seconds:.2f} s" + ("" if exact else f"; NOT EXACT, {status} {body[:200]!r}"),
        "< 2 s",
        seconds < 2 and exact,
    )
