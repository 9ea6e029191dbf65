"""Who takes part: the rows of the table, each a program, its flow, its input and its share of it."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster import Cluster
from flows.access_logs import LinesByHand, ParsedLines, ShippedLines
from flows.bookings import HourlyStays, ShippedStays
from flows.cdn_logs import FilteredLines, ShippedFilter
from flows.flow import Flow
from inputs import ACCESS_LINES, BOOKINGS, CDN_LINES, Input
from tree import OURS, Tree

PEERS = Path(__file__).parent / "peers"
HOURLY = "hourly_stays:stays_per_hour"
WORKER = ("worker", "--loglevel", "warn")
QUICK_SHARE, SMALL_SHARE = 0.25, 0.25

MakeFlow = Callable[[Cluster, str, int], Flow]


def hourly_by_engine(cluster: Cluster, name: str, events: int) -> Flow:
    """Return the peers' job, its counts read from the changelog."""
    return HourlyStays(cluster, name, events, HOURLY)


@dataclass(frozen=True)
class Contestant:
    """One row; `share` of the events of the others is what a slow one gets."""

    name: str
    title: str
    command: tuple[str, ...]
    flow: MakeFlow = HourlyStays
    environment: Mapping[str, str] = field(default_factory=dict)
    given: Input = BOOKINGS
    share: float = 1.0
    ours: bool = False
    """It runs this engine."""
    tree: Tree = OURS
    always: bool = True
    """Otherwise it runs only when it is named."""
    most_us: float | None = None
    """CPU an event, start-up left out, that is promised."""

    def sizes(self, *, quick: bool) -> tuple[int, int]:
        """Return how many events the large run takes, and the small one."""
        large = self.given.events * self.share * (QUICK_SHARE if quick else 1)
        return int(large), int(large * SMALL_SHARE)


def faust(app: str, *options: str) -> tuple[str, ...]:
    """Return the command of a Faust worker."""
    return (sys.executable, "-m", "faust", "-A", app, *options, *WORKER)


def by_engine(app: str) -> tuple[str, ...]:
    """Return the command of a worker of this engine, with the event loop that `dataflow worker` takes."""
    return faust(app, "--loop", "uvloop")


def by_hand(program: str) -> tuple[str, ...]:
    """Return the command of a program of the peers."""
    return (sys.executable, str(PEERS / program))


def dataflow_hourly(name: str, title: str, *, always: bool = False, **environment: str) -> Contestant:
    """Return a row of our engine at the peers' job."""
    return Contestant(
        name, title, by_engine("hourly_stays"), hourly_by_engine, environment, ours=True, always=always
    )


SHIPPED = (sys.executable, "-m", "dataflow", "worker")

ON_BOOKINGS = (
    Contestant(
        "dataflow", "**Dataflow as shipped**, exactly once: two outputs, counts and hotels a day and in all",
        SHIPPED, ShippedStays, ours=True,
    ),
    dataflow_hourly("dataflow-job", "**Dataflow, the peers' job**, exactly once", always=True),
    dataflow_hourly("dataflow-zstd", "Dataflow, the peers' job, output by zstd", COMPRESSION="zstd"),
    dataflow_hourly("dataflow-snappy", "Dataflow, the peers' job, output by snappy", COMPRESSION="snappy"),
    Contestant(
        "hand", "hand-written loop, confluent-kafka and orjson (guarantees nothing)",
        by_hand("hand_confluent.py"),
    ),
    Contestant(
        "floor", "floor: bare aiokafka, this job alone (guarantees nothing)", by_hand("floor.py")
    ),
    Contestant("faust", "stock Faust", (*faust("peers.faust_stock"), "--without-web"), share=0.25),
)  # fmt: skip

ON_ACCESS_LOGS = (
    Contestant(
        "access-logs", "**access logs as shipped**, exactly once: 28 fields, four tables",
        SHIPPED, ShippedLines, ours=True, given=ACCESS_LINES,
    ),
    Contestant(
        "access-logs-job", "**access logs, the peers' job**, exactly once: 28 fields",
        by_engine("parse_access_lines"), ParsedLines, ours=True, given=ACCESS_LINES, most_us=9.0,
    ),
    Contestant(
        "hand-access-logs", "access logs, hand-written loop: 13 fields (guarantees nothing)",
        by_hand("hand_access_logs.py"), LinesByHand, given=ACCESS_LINES,
    ),
)  # fmt: skip

ON_CDN_LOGS = (
    Contestant(
        "filter", "**CDN filter as shipped**, exactly once: five rules, four tables",
        SHIPPED, ShippedFilter, ours=True, given=CDN_LINES,
    ),
    Contestant(
        "filter-job", "**CDN filter alone**, exactly once: five rules",
        by_engine("filter_cdn_lines"), FilteredLines, ours=True, given=CDN_LINES, most_us=4.0,
    ),
)  # fmt: skip

CONTESTANTS = (*ON_BOOKINGS, *ON_ACCESS_LOGS, *ON_CDN_LOGS)
