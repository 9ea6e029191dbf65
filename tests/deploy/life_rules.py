"""Rules for the life of pods: probes of each kind, time to end, and budgets that let a node be drained."""

from collections.abc import Iterator, Mapping, Sequence

from deploy.manifests import Manifest, Node, Workload, name_of, of_kind, workloads
from deploy.pod_rules import PROBES
from deploy.worker_settings import container_environment

from dataflow.settings import Settings, variable_of

SPARE_SECONDS = 10
"""For what a worker does besides: it leaves its group, and writes its local store."""
READINESS = "/readyz"


def life_faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield what would restart, cut off or hold up a pod at the wrong moment."""
    maps = {one["metadata"]["name"]: one.get("data", {}) for one in of_kind(manifests, "ConfigMap")}
    for workload in workloads(manifests):
        for container in workload.pod["containers"]:
            if container.get("args") == ["worker"]:
                name = f"{workload.name} {container['name']}"
                yield from _probe_faults(name, container)
                yield from _end_faults(name, workload, container, container_environment(container, maps))
    for budget in of_kind(manifests, "PodDisruptionBudget"):
        if budget["spec"].get("maxUnavailable") in (None, 0, "0%"):
            yield f"{name_of(budget)}: maxUnavailable is not at least 1, and no node can be drained"


def _probe_faults(name: str, container: Manifest) -> Iterator[str]:
    yield from (f"{name}: it has no {kind}" for kind in PROBES if kind not in container)
    for kind in ("startupProbe", "livenessProbe"):
        path = container.get(kind, {}).get("httpGet", {}).get("path", "")
        if path.startswith(READINESS):
            yield f"{name}: {kind} asks {path}, and so restarts a worker that waits for others"


def _end_faults(
    name: str, workload: Workload, container: Manifest, environment: Mapping[str, Node]
) -> Iterator[str]:
    if "preStop" in container.get("lifecycle", {}):
        yield f"{name}: it has a preStop; a worker drains by itself, and later by as much"
    needed = sum(_seconds(field, environment) for field in ("drain_seconds", "shutdown_seconds"))
    granted = workload.pod.get("terminationGracePeriodSeconds", 30)
    if granted < needed + SPARE_SECONDS:
        yield (
            f"{name}: terminationGracePeriodSeconds is {granted}; expected at least "
            f"{needed + SPARE_SECONDS:g}: drain, shutdown and {SPARE_SECONDS} s"
        )


def _seconds(field: str, environment: Mapping[str, Node]) -> float:
    text = str(environment.get(variable_of(field), Settings.model_fields[field].default))
    return float(text) if text.replace(".", "", 1).isdigit() else 0.0  # other rules tell what is no number
