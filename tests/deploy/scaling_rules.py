"""Rules for autoscalers: they ask for metrics that there are, and each workload has one."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from deploy.manifests import Manifest, name_of, of_kind, workloads

from dataflow.metrics import METRICS

_METRIC = re.compile(r"\bdataflow_\w+")
BOUNDS = {
    "ScaledObject": ("minReplicaCount", "maxReplicaCount"),
    "HorizontalPodAutoscaler": ("minReplicas", "maxReplicas"),
}


def scaling_faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield autoscalers that never act, or act against something else."""
    scalers = [one for kind in BOUNDS for one in of_kind(manifests, kind)]
    for scaler in scalers:
        low, high = (scaler["spec"].get(name, 1) for name in BOUNDS[scaler["kind"]])
        if not 1 <= low <= high:
            yield f"{name_of(scaler)}: from {low} to {high} replicas; expected 1 <= least <= most"
        yield from (f"{name_of(scaler)}: {fault}" for fault in _metric_faults(scaler))
        yield from (f"{name_of(scaler)}: {fault}" for fault in _container_faults(scaler, manifests))
    targets = Counter(_target(scaler) for scaler in scalers)
    for target, number in targets.items():
        if number > 1:
            yield f"{target} is scaled by {number} autoscalers, each against the other; expected one"
    for workload in workloads(manifests):
        if workload.name in targets and "replicas" in workload.manifest["spec"]:
            yield f"{workload.name}: replicas is set, and an autoscaler is set back at each apply"


def _target(scaler: Manifest) -> str:
    target = scaler["spec"]["scaleTargetRef"]
    return f"{target.get('kind', 'Deployment')}/{target['name']}"


def _container_faults(scaler: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield containers that are measured and that no pod has: the autoscaler would never have a number."""
    pods = [workload for workload in workloads(manifests) if workload.name == _target(scaler)]
    known = {container["name"] for workload in pods for container in workload.containers}
    for metric in scaler["spec"].get("metrics", []):
        name = metric.get("containerResource", {}).get("container")
        if name is not None and name not in known:
            yield f"measures container {name}; expected one of {', '.join(sorted(known))}"


def _metric_faults(scaler: Manifest) -> Iterator[str]:
    queries = [one["metadata"].get("query", "") for one in scaler["spec"].get("triggers", [])]
    external = [
        one["external"]["metric"]["name"]
        for one in scaler["spec"].get("metrics", [])
        if one["type"] == "External"
    ]
    namespace = scaler["metadata"].get("namespace")
    for query in (*queries, *external):
        for metric in _METRIC.findall(re.sub(r'"[^"]*"', "", query)):
            if metric not in METRICS:
                yield f"asks for {metric}, which is no metric"
        for asked in re.findall(r'namespace="([^"]*)"', query):
            if namespace is not None and asked != namespace:
                yield f"asks for namespace {asked}; expected {namespace}, where the pods are"
