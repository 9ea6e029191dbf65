"""One node under test: overlays/one-node applied, a load through its Services, and what has been counted."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.cluster.node import PATHS, ClusterNode, wait_until
from deploy.cluster.programs import HERE, installed
from deploy.manifests import Manifest, Node, name_of, read_yaml

ROLL_SECONDS: Final = 420
WHOLE_SECONDS: Final = 60
SECRETS: Final = ("worker-secret", "access.toml", "metrics-token")
ROLLED: Final = (("Deployment", "ingest"), ("StatefulSet", "enrich"))
UPGRADED: Final = tuple(reversed(ROLLED))
"""In the order of docs/upgrading.md."""


@dataclass(slots=True)
class OneNode:
    """A cluster that is up."""

    node: ClusterNode
    secrets: Path
    """The folder that `dataflow secrets init` has made."""
    tokens: Mapping[str, str]
    sent: Counter[str] = field(default_factory=Counter)
    """What became of all lines so far."""

    def wait_rolled(self, kind: str, component: str) -> float:
        """Wait until all pods of a component are of its newest template, and ready."""

        def is_rolled() -> bool:
            found = self.node.get(kind, f"dataflow-{component}")
            status, wanted = found["status"], found["spec"]["replicas"]
            is_seen = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
            counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")]
            return is_seen and counts == [wanted] * 3

        return wait_until(is_rolled, ROLL_SECONDS, f"{component} has rolled", self.tell)

    def roll(self, kind: str, component: str) -> None:
        """Have a component roll, as `kubectl rollout restart` does."""
        stamp = {"annotations": {"kubectl.kubernetes.io/restartedAt": str(time.time_ns())}}
        self.node.patch(kind, f"dataflow-{component}", {"spec": {"template": {"metadata": stamp}}})

    def set_image(self, kind: str, component: str, image: str) -> None:
        """Have a component roll to another image, as `kubectl set image` does."""
        place = f"{PATHS[kind]}/dataflow-{component}"
        change = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
        self.node.ask("PATCH", place, json.dumps(change), "application/json-patch+json")

    def replicas(self, kind: str, component: str) -> int:
        """Return how many pods there are to be."""
        return int(self.node.get(kind, f"dataflow-{component}")["spec"]["replicas"])

    def scale(self, kind: str, component: str, replicas: int) -> None:
        """Set how many pods there are."""
        self.node.patch(kind, f"dataflow-{component}", {"spec": {"replicas": replicas}})

    def ask(self, path: str) -> Node:
        """Ask the page's Service."""
        address = self.address("page")
        curl = ["curl", "-sS", "--max-time", "10", f"http://{address}{path}", "-H", "Host: dataflow-page"]
        token = f"Authorization: Bearer {self.tokens['admin']}"
        done = subprocess.run(
            self.node.inside(*curl, "-H", token), capture_output=True, text=True, check=False
        )
        try:
            return json.loads(done.stdout)
        except ValueError:
            return {"error": done.stderr}

    def address(self, service: str) -> str:
        """Return the address of a Service."""
        return str(self.node.get("Service", f"dataflow-{service}")["spec"]["clusterIP"])

    def received(self) -> int:
        """Return how many lines are counted; -1 while an answer is not whole."""
        told = self.ask("/streams")
        if "error" in told or _missing(told):
            return -1
        return int(told["streams"]["access-logs"]["received"])

    def is_whole(self) -> bool:
        """Whether answers lack no partition."""
        return self.received() >= 0

    def names_missing(self) -> bool:
        """Whether an answer says which partitions it lacks."""
        return bool(_missing(self.ask("/streams")))

    def wait_counted(self) -> None:
        """Wait until all that was accepted is counted, once; unknown fates may be counted or not."""
        least = self.sent["accepted"]
        most = least + self.sent["unknown"]
        wait_until(
            lambda: least <= self.received() <= most,
            WHOLE_SECONDS,
            f"{least} to {most} are counted",
            self.tell,
        )

    @contextmanager
    def load(self) -> Iterator[None]:
        """Send while the block runs; note what became of it."""
        command = [sys.executable, str(HERE / "sender.py"), self.address("ingest"), self.tokens["sender"]]
        with subprocess.Popen(self.node.inside(*command), stdout=subprocess.PIPE, text=True) as process:
            try:
                yield
            finally:
                process.send_signal(signal.SIGTERM)
                told, _ = process.communicate(timeout=120)
        counts = json.loads(told.splitlines()[-1])
        print(f"sent: {counts}")
        self.sent.update(counts)

    def tell(self) -> str:
        """Return what is so, for whoever reads why a test has failed."""
        pods = self.node.get("Pod")["items"]
        lines = [f"received {self.ask('/streams')!s:.500}", f"sent {self.sent}"]
        for pod in pods:
            name, status = pod["metadata"]["name"], pod["status"]
            lines.append(f"{name}: {status['phase']} {json.dumps(status.get('containerStatuses', ''))[:600]}")
            lines.append(self.node.logs(name, 12))
        return "\n".join(lines)


def _missing(told: Node) -> list[int]:
    """Return the partitions that an answer lacks."""
    return [one for stream in told.get("partitions", {}).values() for one in stream["missing"]]


def apply_overlay(node: ClusterNode, secrets: Path) -> OneNode:
    """Apply the overlay with secrets and a volume; return it when all pods are ready."""
    build = [str(installed("kustomize")), "build", str(HERE / "overlay")]
    built = read_yaml(subprocess.run(build, check=True, capture_output=True, text=True).stdout)
    first = [one for one in built if one["kind"] == "Namespace"]
    for manifest in [*first, *_prepared(node, secrets), *(one for one in built if one not in first)]:
        try:
            node.apply(manifest)
        except LookupError as error:
            raise AssertionError(f"{name_of(manifest)} is refused: {error}") from error
    tokens = {name: (secrets / f"{name}-token").read_text().strip() for name in ("admin", "sender")}
    cluster = OneNode(node, secrets, tokens)
    for kind, component in ROLLED:
        cluster.wait_rolled(kind, component)
    return cluster


def _prepared(node: ClusterNode, secrets: Path) -> list[Manifest]:
    """Return the Secret that docs/deploy-kubernetes.md has made, and a volume: nobody here provides any."""
    data = node.folder / "kafka-data"
    data.mkdir()
    data.chmod(0o777)
    volume = {
        "capacity": {"storage": "20Gi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": str(data)},
    }
    metadata = {"name": "dataflow-secrets", "namespace": "dataflow"}
    texts = {name: (secrets / name).read_text() for name in SECRETS}
    return [
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "kafka"}, "spec": volume},
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": texts},
    ]
