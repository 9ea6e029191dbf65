"""Autoscaling: the metrics that the autoscalers of k8s/components/hpa ask for, from real programs.

metrics-server tells the CPU of pods; prometheus-adapter tells wanted workers and bytes in flight, by our
rules, as a Prometheus has scraped them. They run beside the pods, as nobody here pulls their images.
"""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from deploy.cluster.node import ClusterNode, wait_until
from deploy.cluster.programs import installed
from deploy.manifests import K8S, Manifest, read_yaml

ADDRESS: Final = "10.200.0.1"  # the node's, as node.sh has it
RULES: Final = K8S.parent / "deploy" / "prometheus" / "adapter.yml"
SERVED: Final = {"metrics.k8s.io": 4443, "external.metrics.k8s.io": 4444}
"""Groups of the API, and the port of the program that serves each."""

EXTERNAL: Final = "/apis/external.metrics.k8s.io/v1beta1/namespaces/dataflow"
MEASURED: Final = (
    "/apis/metrics.k8s.io/v1beta1/namespaces/dataflow/pods",
    f"{EXTERNAL}/dataflow_wanted_workers",
    f"{EXTERNAL}/dataflow_http_in_flight_bytes",
)
"""What autoscalers ask for."""
MEASURED_SECONDS: Final = 120

PROMETHEUS: Final = """
global: {scrape_interval: 5s}
scrape_configs:
  - job_name: dataflow
    authorization: {credentials_file: METRICS_TOKEN}
    static_configs: [{targets: TARGETS, labels: {namespace: dataflow}}]
"""
"""What the PodMonitor of k8s/components/prometheus comes to: Debian's Prometheus cannot ask an API server."""


@contextmanager
def measured(node: ClusterNode, secrets: Path) -> Iterator[None]:
    """Serve both groups of metrics while the block runs; it begins when both have numbers."""
    with ExitStack() as stack:
        for command in _programs(node, secrets):
            log = stack.enter_context((node.folder / "logs" / Path(command[0]).name).open("wb"))
            process = stack.enter_context(
                subprocess.Popen(node.inside(*command), stdout=log, stderr=log, cwd=node.folder)
            )
            stack.callback(process.kill)
        for group in SERVED:
            for path, manifest in _registration(group):
                node.apply_at(path, manifest)
        for path in MEASURED:
            wait_until(lambda path=path: _has_items(node, path), MEASURED_SECONDS, path)  # type: ignore[misc]
        yield


def autoscalers() -> Sequence[Manifest]:
    """Return those of k8s/components/hpa, for little load and little time: the numbers alone are others."""
    found = read_yaml((K8S / "components" / "hpa" / "autoscalers.yaml").read_text())
    for one in found:
        one["metadata"]["namespace"] = "dataflow"
        one["spec"]["maxReplicas"] = 3
        one["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] = 0
        for metric in one["spec"]["metrics"]:
            if metric["type"] == "ContainerResource":
                metric["containerResource"]["target"]["averageUtilization"] = 10
    return found


def _programs(node: ClusterNode, secrets: Path) -> Iterator[Sequence[str]]:
    folder, config = node.folder, str(node.folder / "kubeconfig")
    targets = [f"{pod['status']['podIP']}:6066" for name in ("enrich", "ingest") for pod in node.pods(name)]
    written = PROMETHEUS.replace("TARGETS", json.dumps(targets))
    written = written.replace("METRICS_TOKEN", str(secrets / "metrics-token"))
    (folder / "prometheus.yml").write_text(written)
    yield (
        *("prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/prometheus"),
        "--web.listen-address=127.0.0.1:9090",
    )
    may_ask = (f"--authentication-kubeconfig={config}", f"--authorization-kubeconfig={config}")
    yield (
        *(
            str(installed("metrics-server")),
            f"--kubeconfig={config}",
            *may_ask,
            f"--cert-dir={folder}/certs-cpu",
        ),
        *("--secure-port=4443", "--kubelet-insecure-tls", "--kubelet-preferred-address-types=InternalIP"),
        "--metric-resolution=10s",
        "--kubelet-request-timeout=5s",
    )
    yield (
        *(
            str(installed("prometheus-adapter")),
            f"--lister-kubeconfig={config}",
            *may_ask,
            f"--cert-dir={folder}/certs-wanted",
        ),
        *("--secure-port=4444", f"--config={RULES}", "--prometheus-url=http://127.0.0.1:9090/"),
        "--metrics-relist-interval=10s",
    )


def _registration(group: str) -> Iterator[tuple[str, Manifest]]:
    """Return what has the API server pass on a group of its API, and the path of each."""
    name, port = group.replace(".", "-"), SERVED[group]
    namespace = "/api/v1/namespaces/kube-system"
    yield (
        f"{namespace}/services",
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": "kube-system"},
            "spec": {"ports": [{"port": 443, "targetPort": port}]},
        },
    )
    yield (
        f"{namespace}/endpoints",
        {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {"name": name, "namespace": "kube-system"},
            "subsets": [{"addresses": [{"ip": ADDRESS}], "ports": [{"port": port}]}],
        },
    )
    yield (
        "/apis/apiregistration.k8s.io/v1/apiservices",
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"v1beta1.{group}"},
            "spec": {
                "group": group,
                "version": "v1beta1",
                "insecureSkipTLSVerify": True,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "service": {"name": name, "namespace": "kube-system"},
            },
        },
    )


def _has_items(node: ClusterNode, path: str) -> bool:
    try:
        return bool(node.ask("GET", path)["items"])
    except (LookupError, KeyError, json.JSONDecodeError):  # not yet
        return False
