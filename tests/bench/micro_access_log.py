"""Access log and DataStream 2 stages alone: sample lines in, µs of CPU a line out.

Run `python tests/bench/micro_access_log.py`; the best of several rounds counts. The caches
see the real mix of user agents and addresses, and are empty when the first round starts.
"""

import gzip
import re
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import re2
import user_agents
from ua_parser import BasicResolver, Domain, load_lazy_builtins
from ua_parser.re2 import Resolver as Re2Resolver

from dataflow.demo.samples import sample_events
from dataflow.errors import InvalidEvent
from dataflow.stages.access_log import line_stage
from dataflow.stages.access_log.format_string import compile_format
from dataflow.stages.access_log.usual_formats import parse
from dataflow.stages.datastream2 import line_stage as datastream2_line_stage
from dataflow.stages.user_agent import ExactResolver, user_agent_of

DATA = Path(__file__).parents[1] / "data"
LINES = gzip.decompress((DATA / "access_logs/apache_combined_10k.log.gz").read_bytes()).splitlines()
COMBINED = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
ROUNDS = 5

V = TypeVar("V")


def measure(name: str, function: Callable[[V], object], values: Sequence[V], rounds: int = ROUNDS) -> None:
    """Print the CPU that `function` takes a value: in the first round and in the best one."""
    seconds = [_seconds(function, values) for _ in range(rounds)]
    first, best = (value / len(values) * 1e6 for value in (seconds[0], min(seconds)))
    print(f"{name:58} {best:8.2f} µs  (first round {first:.2f})")


def _seconds(function: Callable[[V], object], values: Iterable[V]) -> float:
    began = time.process_time()
    for value in values:
        function(value)
    return time.process_time() - began


def whole_stages(lines: list[bytes]) -> None:
    """Measure from raw lines to JSON."""
    geoip = DATA / "geoip"
    stage = line_stage(None, geoip / "GeoLite2-City-Test.mmdb", geoip / "GeoLite2-ASN-Test.mmdb")
    measure("access log: parse, user agent, GeoIP, JSON", stage, lines)
    measure("access log by its format string, without GeoIP", line_stage(COMBINED, None, None), lines)
    measure("DataStream 2: typed form", datastream2_line_stage(), sample_events("cdn-logs"))
    unknown = [line[:-1] + b',"new":1}' for line in sample_events("cdn-logs")]
    measure("DataStream 2: typed form, with an unknown key", datastream2_line_stage(), unknown)


def parsers(lines: list[bytes]) -> None:
    """Measure parsing alone, and the two regex engines on one pattern."""
    measure("parse: recognised", parse, lines)
    measure("parse: by its format string", compile_format(COMBINED).parse, lines)
    quoted = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
    pattern = rf"([^ ]+) ([^ ]+) ([^ ]+) \[([^\]]+)\] {quoted} ([0-9]{{3}}) ([0-9]+|-) {quoted} {quoted}"
    texts = [line.decode() for line in lines]
    for name, compiled in (("re", re.compile(pattern)), ("google-re2", re2.compile(pattern))):
        measure(
            f"combined pattern and its groups: {name}",
            partial(_groups, compiled),
            texts,
        )


def _groups(pattern: Any, text: str) -> object:
    return pattern.fullmatch(text).groups()


def _all_of(resolver: Any, text: str) -> object:
    return resolver(text, Domain.ALL)


def user_agent_resolvers(lines: list[bytes]) -> None:
    """Measure what a user agent costs that was not seen before."""
    agents = sorted({parse(line).user_agent or "" for line in lines})
    print(f"{len(agents)} user agents, none remembered:")
    matchers = load_lazy_builtins()
    for resolver in (BasicResolver, Re2Resolver, ExactResolver):
        resolve = resolver(matchers)
        measure(
            f"  ua-parser: {resolver.__module__}.{resolver.__name__}",
            partial(_all_of, resolve),
            agents,
            2,
        )
    measure("  user-agents as it comes", user_agents.parse, agents, 2)
    measure("  user_agent_of", user_agent_of, agents, 2)


def _parsable(raw: bytes) -> bool:
    try:
        parse(raw)
    except InvalidEvent:
        return False
    return True


if __name__ == "__main__":
    requests = [line for line in LINES if _parsable(line)]
    whole_stages(requests)
    parsers(requests)
    user_agent_resolvers(requests)
