"""Rules for the network: what default-deny closes and every worker needs is let through again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from deploy.link_rules import ACME_SOLVER, matches
from deploy.manifests import Manifest, Node, Workload, of_kind, workloads
from deploy.worker_settings import container_environment

DNS = 53
BROKER_PORT = 9092
ACME_PORT = 8089
PEERS = {"egress": "to", "ingress": "from"}


def network_faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield workloads of Dataflow that cannot resolve names, or reach their broker or one another.

    Also brokers in the namespace that do not reach one another, or themselves, and certificates of a public
    name that cannot be proved.
    """
    policies = of_kind(manifests, "NetworkPolicy")
    if not any(policy["spec"]["podSelector"] == {} and _closes(policy) for policy in policies):
        yield "NetworkPolicy: none denies all of the namespace, in both directions, by an empty podSelector"
    if any(one["spec"]["issuerRef"]["kind"] == "ClusterIssuer" for one in of_kind(manifests, "Certificate")):
        yield from _solver_faults(policies)
    maps = {one["metadata"]["name"]: one.get("data", {}) for one in of_kind(manifests, "ConfigMap")}
    of_dataflow = [
        one for one in workloads(manifests) if one.pod["containers"][0].get("command") == ["dataflow"]
    ]
    for workload in of_dataflow:
        yield from _name_faults(workload, policies)
        addresses = _brokers(container_environment(workload.pod["containers"][0], maps))
        for port in addresses.values():
            if not any(_lets_through(rule, port, "TCP") for rule in _rules(policies, workload, "egress")):
                yield f"{workload.name}: no NetworkPolicy lets it reach port {port} of DATAFLOW_BROKER"
        if workload.pod["containers"][0]["args"] == ["worker"]:
            yield from _neighbour_faults(workload, "workers", policies)
        for broker in _selected(addresses, manifests):
            yield from _neighbour_faults(broker, "brokers", policies)


def _solver_faults(policies: Iterable[Manifest]) -> Iterator[str]:
    own = [one["spec"] for one in policies if matches(one["spec"]["podSelector"], ACME_SOLVER)]
    rules = [rule for spec in own for rule in spec.get("ingress", [])]
    if not any(_lets_through(rule, ACME_PORT, "TCP") for rule in rules):
        yield f"Certificate: no NetworkPolicy lets port {ACME_PORT} of cert-manager's solvers be reached"


def _name_faults(workload: Workload, policies: Sequence[Manifest]) -> Iterator[str]:
    out = _rules(policies, workload, "egress")
    for protocol in ("UDP", "TCP"):
        if not any(_lets_through(rule, DNS, protocol) and _leads_to_dns(rule) for rule in out):
            yield f"{workload.name}: no NetworkPolicy lets it resolve names by {protocol}"


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


def _rules(policies: Sequence[Manifest], workload: Workload, direction: str) -> list[Mapping[str, Node]]:
    """Return what is let through at the pods of a workload, by any policy."""
    own = [one["spec"] for one in policies if matches(one["spec"]["podSelector"], workload.labels)]
    return [rule for spec in own for rule in spec.get(direction, [])]


def _brokers(environment: Mapping[str, str]) -> dict[str, int]:
    """Return hosts and ports of DATAFLOW_BROKER."""
    parts = [address.partition(":") for address in environment.get("DATAFLOW_BROKER", "").split(",")]
    return {host: int(port) if port.isdigit() else BROKER_PORT for host, _, port in parts}


def _selected(hosts: Iterable[str], manifests: Sequence[Manifest]) -> Iterator[Workload]:
    """Yield the workloads behind Services with these names."""
    for service in of_kind(manifests, "Service"):
        if service["metadata"]["name"] in hosts:
            selector = {"matchLabels": service["spec"]["selector"]}
            yield from (one for one in workloads(manifests) if matches(selector, one.labels))


def _neighbour_faults(workload: Workload, what: str, policies: Sequence[Manifest]) -> Iterator[str]:
    """Yield that pods may not ask others of their kind, or be asked; a pod of a workload stands for all."""
    ports = {port["name"] for port in workload.pod["containers"][0].get("ports", [])}
    for direction, side in PEERS.items():
        if not any(_lets_in(rule, side, workload, ports) for rule in _rules(policies, workload, direction)):
            yield f"{workload.name}: no NetworkPolicy has {direction} between {what} by their port"


def _lets_in(rule: Mapping[str, Node], side: str, workload: Workload, ports: set[str]) -> bool:
    peers = [peer.get("podSelector") for peer in rule.get(side, [])]
    is_peer = any(peer and matches(peer, workload.labels) for peer in peers)
    return is_peer and bool(ports & {one["port"] for one in rule.get("ports", [])})
