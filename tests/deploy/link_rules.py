"""Rules for what manifests say of one another: selectors, ports, names of settings, volumes and targets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from deploy.manifests import Manifest, Node, Workload, name_of, of_kind, workloads

ACME_SOLVER = {"acme.cert-manager.io/http01-solver": "true"}
"""Labels of the pods that cert-manager makes to prove a name."""


def link_faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield where a manifest names something that none of the others is."""
    pods = list(workloads(manifests))
    for workload in pods:
        yield from _own_selector_faults(workload)
        yield from _source_faults(workload, manifests)
        yield from _spread_faults(workload)
        yield from _account_faults(workload, manifests)
    for service in of_kind(manifests, "Service"):
        yield from _service_faults(service, pods)
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        for manifest in of_kind(manifests, kind):
            if not _is_of_an_operator(manifest, manifests):
                yield from _selector_faults(manifest, pods)
    yield from _grant_faults(manifests)
    for stateful in of_kind(manifests, "StatefulSet"):
        yield from _headless_faults(stateful, manifests)
    for scaler in (*of_kind(manifests, "ScaledObject"), *of_kind(manifests, "HorizontalPodAutoscaler")):
        yield from _target_faults(scaler, manifests)


def _is_of_an_operator(manifest: Manifest, manifests: Sequence[Manifest]) -> bool:
    """Tell whether a manifest is about pods that Strimzi or cert-manager makes of another manifest."""
    labels = manifest["spec"].get("podSelector", {}).get("matchLabels", {})
    is_solver = labels == ACME_SOLVER and bool(of_kind(manifests, "Certificate"))
    return is_solver or f"Kafka/{labels.get('strimzi.io/cluster')}" in map(name_of, manifests)


def matches(selector: Mapping[str, Node], labels: Mapping[str, str]) -> bool:
    """Tell whether labels are as a selector wants them."""
    wanted = selector.get("matchLabels", {})
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    return all(_fits(one, labels) for one in selector.get("matchExpressions", []))


def _fits(expression: Mapping[str, Node], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None


def _own_selector_faults(workload: Workload) -> Iterator[str]:
    selector = workload.manifest["spec"].get("selector")
    if workload.manifest["kind"] in ("Deployment", "StatefulSet") and not matches(selector, workload.labels):
        yield f"{workload.name}: its selector does not match the labels of its own pods"


def _account_faults(workload: Workload, manifests: Iterable[Manifest]) -> Iterator[str]:
    account = workload.pod.get("serviceAccountName")
    known = map(name_of, manifests)
    if account is not None and f"ServiceAccount/{account}" not in known:
        yield f"{workload.name}: ServiceAccount {account} is none of the manifests"


def _grant_faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield where a Role or who gets it, or what it is about, is none of the manifests."""
    known = set(map(name_of, manifests))
    for binding in of_kind(manifests, "RoleBinding"):
        for named in (binding["roleRef"], *binding["subjects"]):
            if f"{named['kind']}/{named['name']}" not in known:
                yield f"{name_of(binding)}: {named['kind']} {named['name']} is none of the manifests"
    for role in of_kind(manifests, "Role"):
        for name in (name for rule in role["rules"] for name in rule.get("resourceNames", [])):
            if f"StatefulSet/{name}" not in known:
                yield f"{name_of(role)}: StatefulSet {name} is none of the manifests"


def _spread_faults(workload: Workload) -> Iterator[str]:
    for constraint in workload.pod.get("topologySpreadConstraints", []):
        if not matches(constraint["labelSelector"], workload.labels):
            yield f"{workload.name}: spread over {constraint['topologyKey']} is of other pods"


def _selector_faults(manifest: Manifest, pods: Iterable[Workload]) -> Iterator[str]:
    spec = manifest["spec"]
    selector = spec.get("selector", spec.get("podSelector"))
    chosen = [pod for pod in pods if matches(selector, pod.labels)]
    if not chosen:
        yield f"{name_of(manifest)}: its selector matches no pods"
    for value in _expression_values(selector):
        if not any(value in pod.labels.values() for pod in chosen):
            yield f"{name_of(manifest)}: its selector names {value}, which no pod has"
    ports = {
        value
        for pod in chosen
        for one in pod.containers
        for port in one.get("ports", [])
        for value in (port["name"], port["containerPort"])
    }
    for rule in spec.get("ingress", []):
        for port in rule.get("ports", []):
            if port["port"] not in ports:
                yield f"{name_of(manifest)}: port {port['port']} is none of its pods'"


def _expression_values(selector: Mapping[str, Node]) -> Iterator[str]:
    for expression in selector.get("matchExpressions", []):
        if expression["operator"] == "In":
            yield from expression["values"]


def _service_faults(service: Manifest, pods: Iterable[Workload]) -> Iterator[str]:
    selector = service["spec"].get("selector")
    if selector is None:  # of a name somewhere else
        return
    chosen = [pod for pod in pods if matches({"matchLabels": selector}, pod.labels)]
    if not chosen:
        yield f"{name_of(service)}: its selector matches no pods"
    for port in service["spec"]["ports"]:
        target = port.get("targetPort", port["port"])
        for pod in chosen:
            have = {
                value
                for container in pod.containers
                for one in container.get("ports", [])
                for value in (one.get("name"), one["containerPort"])
            }
            if target not in have:
                yield f"{name_of(service)}: port {target} is none of {pod.name}"


def _headless_faults(stateful: Manifest, manifests: Iterable[Manifest]) -> Iterator[str]:
    name = stateful["spec"]["serviceName"]
    services = [one for one in of_kind(manifests, "Service") if one["metadata"]["name"] == name]
    if not any(one["spec"].get("clusterIP") == "None" for one in services):
        yield f"{name_of(stateful)}: serviceName {name} is no headless Service: its pods have no names"


def _target_faults(scaler: Manifest, manifests: Iterable[Manifest]) -> Iterator[str]:
    target = scaler["spec"]["scaleTargetRef"]
    wanted = f"{target.get('kind', 'Deployment')}/{target['name']}"
    if wanted not in map(name_of, manifests):
        yield f"{name_of(scaler)}: scales {wanted}, which is none of the manifests"


def _source_faults(workload: Workload, manifests: Iterable[Manifest]) -> Iterator[str]:
    known = {one["metadata"]["name"] for one in of_kind(manifests, "ConfigMap")}
    known.add("kube-root-ca.crt")  # each cluster puts it into each namespace
    for container in workload.containers:
        for source in container.get("envFrom", []):
            name = source.get("configMapRef", {}).get("name")
            if name is not None and name not in known:
                yield f"{workload.name}: ConfigMap {name} is none of {', '.join(sorted(known))}"
    volumes = workload.pod.get("volumes", [])
    projected = [source for volume in volumes for source in volume.get("projected", {}).get("sources", [])]
    for volume in (*volumes, *projected):
        name = volume.get("configMap", {}).get("name")
        if name is not None and name not in known:
            yield f"{workload.name}: ConfigMap {name} is none of {', '.join(sorted(known))}"
