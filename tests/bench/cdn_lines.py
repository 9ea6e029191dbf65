"""The input of the CDN filter rows: the sample's lines at a steady pace; in, what must come out of them.

The rules are followed by Python's own `json` and `re` here: what is compared with them shares no code.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import unquote

from counted_requests import CountedRequest

from dataflow.demo.samples import sample_events

RULES = Path(__file__).with_name("filter-rules.json")
START_SECONDS = 1_431_857_100
PER_SECOND = 1_000


def cdn_lines(events: int) -> Iterator[bytes]:
    """Yield so many lines, the sample again and again, as a CDN with a thousand a second logs them."""
    around = [_around_time(line) for line in sample_events("cdn-logs")]
    for number, (before, after) in enumerate(islice(cycle(around), events)):
        yield b"%b%d.%03d%b" % (before, START_SECONDS + number // PER_SECOND, number % PER_SECOND, after)


def kept(events: int) -> Iterator[bytes]:
    """Yield the lines that every rule lets pass, in their order."""
    for line, survives in zip(cdn_lines(events), cycle(_surviving()), strict=False):
        if survives:
            yield line


def counted(events: int) -> Iterator[CountedRequest]:
    """Yield what tables count of each line that is kept."""
    for raw in kept(events):
        line = json.loads(raw)
        yield CountedRequest(
            int(float(line["reqTimeSec"])), _endpoint(line["reqPath"]), line["statusCode"],
            int(line["bytes"]), line["cliIP"], line.get("country"),
            sum(float(line[f"{part}TimeMSec"]) for part in ("turnAround", "reqEnd", "transfer")),
        )  # fmt: skip


def _endpoint(path: str) -> str:
    return "/" + unquote(path.partition("?")[0], errors="backslashreplace").lstrip("/")


@cache
def _surviving() -> list[bool]:
    rules = json.loads(RULES.read_bytes())
    return [all(_lets_pass(rule, json.loads(line)) for rule in rules) for line in sample_events("cdn-logs")]


def _lets_pass(rule: dict[str, object], line: dict[str, str]) -> bool:
    value, include = line.get(str(rule["fieldName"])), rule.get("include", False)
    if value is None:
        return not include
    return (re.fullmatch(str(rule["regex"]), value) is not None) == include


def _around_time(line: bytes) -> tuple[bytes, bytes]:
    before, name, rest = line.partition(b'"reqTimeSec": "')
    return before + name, rest[rest.index(b'"') :]
