"""A node: started in namespaces of its own, and what is run and asked inside of them."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from deploy.cluster.programs import HERE
from deploy.docker_engine import APART
from deploy.manifests import Manifest, Node

SERVER = "https://10.200.0.1:6443"
START_SECONDS = 180
PATHS: Mapping[str, str] = {
    "Namespace": "/api/v1/namespaces",
    "Node": "/api/v1/nodes",
    "PersistentVolume": "/api/v1/persistentvolumes",
    "ServiceAccount": "/api/v1/namespaces/dataflow/serviceaccounts",
    "ConfigMap": "/api/v1/namespaces/dataflow/configmaps",
    "Secret": "/api/v1/namespaces/dataflow/secrets",
    "Service": "/api/v1/namespaces/dataflow/services",
    "Pod": "/api/v1/namespaces/dataflow/pods",
    "Deployment": "/apis/apps/v1/namespaces/dataflow/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/dataflow/statefulsets",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/dataflow/horizontalpodautoscalers",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/dataflow/ingresses",
    "CronJob": "/apis/batch/v1/namespaces/dataflow/cronjobs",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/dataflow/networkpolicies",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/dataflow/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/dataflow/rolebindings",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/dataflow/poddisruptionbudgets",
}


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """A running node."""

    folder: Path
    pid: int
    """Of the first process inside, whose namespaces they are."""

    def inside(self, *command: str) -> list[str]:
        """Return a command that runs another one in the network of the node."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", *command]

    def load(self, archive: Path) -> None:
        """Give the node an image."""
        socket = str(self.folder / "run" / "containerd.sock")
        ctr = ["ctr", "-a", socket, "-n", "k8s.io", "images", "import", str(archive)]
        subprocess.run(["nsenter", "-a", "-t", str(self.pid), *ctr], check=True, stdout=subprocess.DEVNULL)

    def ask(self, method: str, path: str, body: str = "", content: str = "application/json") -> Node:
        """Send a request to the API server; raise for what it refuses."""
        curl = ["curl", "-sSk", "-X", method, f"{SERVER}{path}", "-H", "Authorization: Bearer test-token"]
        data = ["-H", f"Content-Type: {content}", "--data-binary", "@-"] if body else []
        done = subprocess.run(
            self.inside(*curl, *data), input=body, capture_output=True, text=True, check=True
        )
        answer = json.loads(done.stdout)
        if answer.get("kind") == "Status" and answer.get("status") == "Failure":
            raise LookupError(f"{method} {path}: {answer['message']}")
        return answer

    def apply(self, manifest: Manifest) -> None:
        """Make a manifest so, as `kubectl apply --server-side` does."""
        self.apply_at(PATHS[manifest["kind"]], manifest)

    def apply_at(self, path: str, manifest: Manifest, *, dry_run: bool = False) -> None:
        """Make a manifest so, one of the objects of a path; or only have the server say whether it would."""
        options = {"fieldManager": "tests", "force": "true", "fieldValidation": "Strict"}
        query = urlencode(options | ({"dryRun": "All"} if dry_run else {}))
        place = f"{path}/{manifest['metadata']['name']}?{query}"
        self.ask("PATCH", place, json.dumps(manifest), "application/apply-patch+yaml")

    def patch(self, kind: str, name: str, change: Manifest) -> None:
        """Change a part of an object."""
        self.ask("PATCH", f"{PATHS[kind]}/{name}", json.dumps(change), "application/merge-patch+json")

    def get(self, kind: str, name: str = "") -> Node:
        """Return an object, or all of a kind."""
        return self.ask("GET", f"{PATHS[kind]}/{name}".rstrip("/"))

    def pods(self, component: str) -> list[Manifest]:
        """Return the pods of a component that are not about to end."""
        query = urlencode({"labelSelector": f"app.kubernetes.io/component={component}"})
        found = self.ask("GET", f"{PATHS['Pod']}?{query}")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def logs(self, pod: str, lines: int = 40) -> str:
        """Return the last words of a pod."""
        curl = ["curl", "-sSk", f"{SERVER}{PATHS['Pod']}/{pod}/log?tailLines={lines}"]
        done = subprocess.run(
            self.inside(*curl, "-H", "Authorization: Bearer test-token"),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout


def wait_until(is_so: Callable[[], bool], seconds: float, what: str, tell: Callable[[], str] = str) -> float:
    """Poll until it is so; return how long that took. `tell` says what is so instead."""
    begun = time.monotonic()
    while not is_so():
        assert time.monotonic() - begun < seconds, f"{what} within {seconds} s; {tell()}"
        time.sleep(0.5)
    return time.monotonic() - begun


@contextmanager
def running_node(folder: Path, hyper: Path) -> Iterator[ClusterNode]:
    """Start a node, and end it with all that runs on it."""
    script = str(HERE / "node.sh")
    with (folder / "node.log").open("wb") as output:
        process = subprocess.Popen(
            [*APART, "bash", script, str(folder), str(hyper)], stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_until((folder / "up").exists, START_SECONDS, "the API server answers", lambda: _told(folder))
        node = ClusterNode(folder, _first_inside(process.pid))
        wait_until(lambda: _is_ready(node), START_SECONDS, "the node is ready", lambda: _told(folder))
        yield node
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _remove_cgroups()
        shutil.rmtree(folder / "containerd", ignore_errors=True)  # images: gigabytes


def _first_inside(unshare: int) -> int:
    children = Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()
    return int(children[0])


def _is_ready(node: ClusterNode) -> bool:
    try:
        conditions = node.get("Node", "node1")["status"]["conditions"]
    except (LookupError, subprocess.CalledProcessError):
        return False
    return any((one["type"], one["status"]) == ("Ready", "True") for one in conditions)


def _told(folder: Path) -> str:
    logs = sorted((folder / "logs").iterdir()) if (folder / "logs").exists() else []
    return "\n".join(
        f"{log.name}: {log.read_text(errors='replace')[-800:]}" for log in [folder / "node.log", *logs]
    )


def _remove_cgroups() -> None:
    """Remove the cgroups of the node, which are empty now; one that is not may stay."""
    find = shutil.which("find")
    assert find is not None
    places = [str(path) for path in Path("/sys/fs/cgroup").glob("*/dataflow-node")]
    if places:
        command = [find, *places, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]
        subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
