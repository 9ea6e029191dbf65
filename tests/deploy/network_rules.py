"""Rules for the network: what default-deny closes and every worker needs is let through again."""

from collections.abc import Iterator, Mapping, Sequence

from deploy.link_rules import matches
from deploy.manifests import Manifest, Node, Workload, of_kind, workloads
from deploy.worker_settings import container_environment

DNS = 53
BROKER_PORT = 9092


def network_faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield workloads of Dataflow that cannot resolve names, or reach their broker or one another."""
    policies = of_kind(manifests, "NetworkPolicy")
    if not any(policy["spec"]["podSelector"] == {} and _closes(policy) for policy in policies):
        yield "NetworkPolicy: none denies all of the namespace, in both directions, by an empty podSelector"
    maps = {one["metadata"]["name"]: one.get("data", {}) for one in of_kind(manifests, "ConfigMap")}
    of_dataflow = [
        one for one in workloads(manifests) if one.pod["containers"][0].get("command") == ["dataflow"]
    ]
    for workload in of_dataflow:
        own = [one["spec"] for one in policies if matches(one["spec"]["podSelector"], workload.labels)]
        out = [rule for spec in own for rule in spec.get("egress", [])]
        for protocol in ("UDP", "TCP"):
            if not any(_lets_through(rule, DNS, protocol) and _leads_to_dns(rule) for rule in out):
                yield f"{workload.name}: no NetworkPolicy lets it resolve names by {protocol}"
        environment = container_environment(workload.pod["containers"][0], maps)
        for port in _broker_ports(environment):
            if not any(_lets_through(rule, port, "TCP") for rule in out):
                yield f"{workload.name}: no NetworkPolicy lets it reach port {port} of DATAFLOW_BROKER"
        if workload.pod["containers"][0]["args"] == ["worker"]:
            came_in = [rule for spec in own for rule in spec.get("ingress", [])]
            yield from _neighbour_faults(workload, "egress", "to", out)
            yield from _neighbour_faults(workload, "ingress", "from", came_in)


def _closes(policy: Manifest) -> bool:
    spec = policy["spec"]
    return {*spec["policyTypes"]} == {"Ingress", "Egress"} and not {"ingress", "egress"} & spec.keys()


def _lets_through(rule: Mapping[str, Node], port: int, protocol: str) -> bool:
    return "ports" not in rule or any(
        one.get("protocol", "TCP") == protocol
        and isinstance(one["port"], int)
        and one["port"] <= port <= one.get("endPort", one["port"])
        for one in rule["ports"]
    )


def _leads_to_dns(rule: Mapping[str, Node]) -> bool:
    """Tell whether a rule leads to the namespace of the cluster's DNS, or everywhere."""
    labels = {"kubernetes.io/metadata.name": "kube-system"}
    peers = [peer.get("namespaceSelector") for peer in rule.get("to", [])]
    return not peers or any(peer is not None and matches(peer, labels) for peer in peers)


def _broker_ports(environment: Mapping[str, str]) -> Iterator[int]:
    for address in environment.get("DATAFLOW_BROKER", "").split(","):
        port = address.rpartition(":")[2]
        yield int(port) if port.isdigit() else BROKER_PORT


def _neighbour_faults(
    workload: Workload, direction: str, side: str, rules: Sequence[Mapping[str, Node]]
) -> Iterator[str]:
    """Yield that a worker may not ask workers, or be asked; pods of its own kind stand for all."""
    ports = {port["name"] for port in workload.pod["containers"][0].get("ports", [])}
    for rule in rules:
        peers = [peer.get("podSelector") for peer in rule.get(side, [])]
        if any(peer and matches(peer, workload.labels) for peer in peers) and ports & {
            one["port"] for one in rule.get("ports", [])
        }:
            return
    yield f"{workload.name}: no NetworkPolicy has {direction} between workers by their port"
