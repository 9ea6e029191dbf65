"""Who takes part: the rows of the table, each a program, its flow and its size of input."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster import Cluster
from flows import Flow, HourlyStays, ShippedStays

from dataflow.broker.cache import cache_folder

PEERS = Path(__file__).parent / "peers"
HOURLY = "hourly_stays:stays_per_hour"
WORKER = ("worker", "--loglevel", "warn")

MakeFlow = Callable[[Cluster, str, int], Flow]


def hourly(cluster: Cluster, name: str, events: int) -> Flow:
    """Return the peers' job, its counts written to a file at the end."""
    return HourlyStays(cluster, name, events)


def hourly_by_engine(cluster: Cluster, name: str, events: int) -> Flow:
    """Return the peers' job, its counts read from the changelog."""
    return HourlyStays(cluster, name, events, HOURLY)


@dataclass(frozen=True)
class Contestant:
    """One row; `share` of the events of the others is what a slow one gets."""

    name: str
    title: str
    command: tuple[str, ...]
    flow: MakeFlow = hourly
    environment: Mapping[str, str] = field(default_factory=dict)
    share: float = 1.0
    always: bool = True
    """Otherwise it runs only when it is named."""


def faust(app: str) -> tuple[str, ...]:
    """Return the command of a Faust worker."""
    return (sys.executable, "-m", "faust", "-A", app, *WORKER)


def dataflow_hourly(name: str, title: str, *, always: bool = False, **environment: str) -> Contestant:
    """Return a row of our engine at the peers' job."""
    return Contestant(name, title, faust("hourly_stays"), hourly_by_engine, environment, always=always)


def java_class_path() -> str:
    """Build the Kafka Streams program, once a machine; raise `OSError` where that is not possible."""
    if not (shutil.which("mvn") and shutil.which("java")):
        raise FileNotFoundError("mvn and java are not on the PATH")
    target = cache_folder() / "bench-kafka-streams"
    source, built = PEERS / "kafka-streams", target / "classes" / "bench" / "Stays.class"
    newest = max(file.stat().st_mtime for file in source.rglob("*") if file.is_file())
    if not built.exists() or built.stat().st_mtime < newest:
        maven = ["mvn", "--quiet", "--file", str(source), f"-Dbench.target={target}", "package"]
        done = subprocess.run(maven, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"mvn has failed: {done.stdout.strip().splitlines()[:1]}")
    return f"{target / 'classes'}:{target / 'libs'}/*"


def kafka_streams() -> list[Contestant]:
    """Return the two rows of Kafka Streams; raise `OSError` where there is no Maven or Java."""
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    command = ("java", quiet, "-cp", java_class_path(), "bench.Stays")
    return [
        Contestant("kafka-streams", "Kafka Streams", command, environment={"GUARANTEE": "at_least_once"}),
        Contestant(
            "kafka-streams-eos", "Kafka Streams, exactly_once_v2", command,
            environment={"GUARANTEE": "exactly_once_v2"},
        ),
    ]  # fmt: skip


CONTESTANTS = (
    Contestant(
        "dataflow", "**Dataflow as shipped**, exactly once: two outputs, counts and hotels a day and in all",
        faust("dataflow.app"), ShippedStays,
    ),
    dataflow_hourly("dataflow-job", "**Dataflow, the peers' job**, exactly once", always=True),
    dataflow_hourly(
        "dataflow-alo", "Dataflow, the peers' job, at least once", always=True, DELIVERY="at_least_once"
    ),
    dataflow_hourly("dataflow-zstd", "Dataflow, the peers' job, output by zstd", COMPRESSION="zstd"),
    dataflow_hourly("dataflow-snappy", "Dataflow, the peers' job, output by snappy", COMPRESSION="snappy"),
    Contestant(
        "hand", "hand-written loop, confluent-kafka and orjson (guarantees nothing)",
        (sys.executable, str(PEERS / "hand_confluent.py")),
    ),
    Contestant(
        "floor", "floor: bare aiokafka, this job alone (guarantees nothing)",
        (sys.executable, str(PEERS / "floor.py")),
    ),
    Contestant("faust", "stock Faust", (*faust("peers.faust_stock"), "--without-web"), share=0.25),
)  # fmt: skip
