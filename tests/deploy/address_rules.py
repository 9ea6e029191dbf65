"""Rules for what a pod calls itself: its role, variables of one value, and a name that others resolve."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from deploy.manifests import Manifest, Workload, name_of, of_kind, workloads

_REFERENCE = re.compile(r"(?<!\$)\$\((\w+)\)")
OWN_NAME = "$(POD_NAME)"


def address_faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield variables that are not replaced or are there twice, ports of one name, and names of no pod."""
    for workload in workloads(manifests):
        for container in workload.containers:
            yield from _variable_faults(f"{workload.name} {container['name']}", container)
        ports = [port["name"] for one in workload.pod["containers"] for port in one.get("ports", [])]
        yield from (f"{workload.name}: port {name} is there twice" for name in _twice(ports))
        yield from _role_faults(workload)
        if workload.manifest["kind"] == "StatefulSet":
            yield from _identity_faults(workload, manifests)


def _twice(names: Sequence[str]) -> Iterator[str]:
    return (name for name, count in Counter(names).items() if count > 1)


def _variable_faults(name: str, container: Manifest) -> Iterator[str]:
    """Yield what the kubelet leaves as it is: it replaces variables only that come before."""
    variables = container.get("env", [])
    yield from (f"{name}: {one} is set twice" for one in _twice([one["name"] for one in variables]))
    known: set[str] = set()
    for variable in variables:
        for named in _REFERENCE.findall(str(variable.get("value", ""))):
            if named not in known:
                yield f"{name}: {variable['name']} names $({named}), which no variable before it is"
        known.add(variable["name"])


def _role_faults(workload: Workload) -> Iterator[str]:
    """Yield a worker of another role than its label, by which Services and policies choose it."""
    variables = {one["name"]: one.get("value") for one in workload.pod["containers"][0].get("env", [])}
    role, component = variables.get("DATAFLOW_ROLE"), workload.labels.get("app.kubernetes.io/component")
    if role is not None and role != component:
        yield f"{workload.name}: DATAFLOW_ROLE is {role}; expected {component}, as its label says"


def _identity_faults(workload: Workload, manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield a worker whose pods have one name together, or one that the headless Service does not know."""
    service = workload.manifest["spec"]["serviceName"]
    found = {one["name"]: one.get("value") for one in workload.pod["containers"][0].get("env", [])}
    if "DATAFLOW_ROLE" not in found:
        return
    if found.get("DATAFLOW_INSTANCE_ID") != OWN_NAME:
        yield (
            f"{workload.name}: DATAFLOW_INSTANCE_ID is {found.get('DATAFLOW_INSTANCE_ID')}; expected "
            f"{OWN_NAME}, as two members of a group may not have one"
        )
    host = str(found.get("DATAFLOW_ADVERTISED_HOST"))
    if not host.startswith(f"{OWN_NAME}.{service}."):
        yield f"{workload.name}: DATAFLOW_ADVERTISED_HOST is {host}; expected {OWN_NAME}.{service}.…"
    for one in of_kind(manifests, "Service"):
        if one["metadata"]["name"] == service and one["spec"].get("publishNotReadyAddresses") is not True:
            yield f"{name_of(one)}: publishNotReadyAddresses is not true, and a pod that starts has no name"
