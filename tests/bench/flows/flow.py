"""What one run reads and writes; what was found in and what must be, the differences out."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import orjson
from cluster import COMPACTED, PARTITIONS, Cluster
from inputs import Input
from tree import OURS, Tree

from dataflow.demo.broker.ports import free_port
from dataflow.settings import Settings
from dataflow.topics import declared_topics

HERE = Path(__file__).parents[1]
K = TypeVar("K")

Told = Mapping[str, Any]
"""What a table tells of a cell: a summary by name, each of a type of its own."""


class Flow(Protocol):
    """What one run reads and writes."""

    source: str
    group: str
    tree: Tree
    """Whose programs run it."""
    outputs: Mapping[str, int]
    """How many records must come into each topic."""

    def prepare(self) -> None:
        """Make the topics, and fill the source."""

    def environment(self, folder: Path) -> Mapping[str, str]:
        """Return what the program is told by environment variables."""

    def acknowledged(self) -> int:
        """Return how many events the program has said are done with."""

    def faults(self, folder: Path) -> Iterator[str]:
        """Yield in what the outputs and counts are not exact."""


class Job:
    """One output of an input that all runs of one size read: made for peers, and for the bare engine."""

    tree: Tree = OURS
    outputs: Mapping[str, int]

    def __init__(self, cluster: Cluster, name: str, given: Input, events: int) -> None:
        self.source, self.group, self.output = given.topic(events), name, f"{name}-out"
        self.outputs = {self.output: events}
        self.cluster, self.events = cluster, events

    def prepare(self) -> None:
        """Make output, changelog and dead letters."""
        self.cluster.make_topics([self.output, f"{self.group}-dead-letters"])
        self.cluster.make_topics([f"{self.output}-changelog"], COMPACTED)

    def acknowledged(self) -> int:
        """Return the sum of the committed offsets."""
        return self.cluster.committed(self.group, self.source)

    def environment(self, folder: Path) -> Mapping[str, str]:
        """Return what all programs of this job are told."""
        return {
            "BROKER": self.cluster.address,
            "SOURCE": self.source,
            "OUTPUT": self.output,
            "GROUP": self.group,
            "FOLDER": str(folder),
            "COUNTS": str(folder / "counts.json"),
            "WEB_PORT": str(free_port()),
        }


class Shipped:
    """A flow that Dataflow ships, run by `faust -A dataflow.app worker`; topics as it declares them."""

    tree: Tree = OURS
    partitions: int = PARTITIONS
    events: int = 0
    """How many are looked for at the end."""

    def __init__(
        self, cluster: Cluster, name: str, source: str, outputs: Mapping[str, int], **settings: str
    ) -> None:
        self.group, self.source, self.outputs = name, source, outputs
        self.cluster, self._settings = cluster, settings

    def prepare(self) -> None:
        """Make all topics of the program anew."""
        declared = {topic.name for topic in declared_topics(Settings(broker=self.cluster.address))}
        self.cluster.delete_topics(declared.__contains__)
        environment = self.tree.environment(self.environment(Path.cwd()))
        subprocess.run([self.tree.python, "-m", "dataflow", "topics"], env=environment, cwd=self.tree.root,
                       check=True, stdout=subprocess.DEVNULL)  # fmt: skip
        self.cluster.keep_producer_times([self.source, *self.outputs])

    def acknowledged(self) -> int:
        """Return the sum of the committed offsets."""
        return self.cluster.committed(self.group, self.source)

    def faults(self, folder: Path) -> Iterator[str]:
        """Yield nothing: a flow that has outputs looks at them."""
        yield from ()

    def environment(self, folder: Path) -> Mapping[str, str]:
        """Return the settings of the worker."""
        return {
            "DATAFLOW_BROKER": self.cluster.address,
            "DATAFLOW_APP_ID": self.group,
            "DATAFLOW_DATA_DIR": str(folder),
            "DATAFLOW_WEB_PORT": str(free_port()),
            "DATAFLOW_LOG_LEVEL": "warning",
            "DATAFLOW_PARTITIONS": str(self.partitions),
            **{f"DATAFLOW_{name.upper()}": value for name, value in self._settings.items()},
        }


def read_changelog(
    flow: Flow, tables: Iterable[str], folder: Path
) -> dict[str, dict[str, dict[tuple[str, int], Told]]]:
    """Return the cells of tables as a worker that takes over would have them, by table and window size.

    A table is `module:name`; what was counted from other topics than the source is left out.
    """
    told = subprocess.run(
        [flow.tree.python, str(flow.tree.bench / "restored.py"), flow.source, *tables],
        env=flow.tree.environment(flow.environment(folder)), cwd=flow.tree.root,
        check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    found: dict[str, dict[str, dict[tuple[str, int], Told]]] = {}
    for table, window, start, key, aggregations in orjson.loads(told.stdout):
        found.setdefault(table, {}).setdefault(window, {})[key, start] = aggregations
    return found


def differences(what: str, found: Mapping[K, object], expected: Mapping[K, object]) -> Iterator[str]:
    """Yield one line when two mappings are not equal."""
    wrong = [key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)]
    if wrong:
        first = wrong[0]
        yield (
            f"{what}: {len(wrong)} of {len(expected)} are wrong, {first} is {found.get(first)}; "
            f"expected {expected.get(first)}"
        )
