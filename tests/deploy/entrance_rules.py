"""Rules for who comes in: entrances lead to Services, and Prometheus asks for metrics that there are."""

from collections.abc import Iterator, Mapping, Sequence

from deploy.link_rules import matches
from deploy.manifests import Manifest, Node, name_of, of_kind, workloads

from dataflow.web.routes import ALL


def entrance_faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield entrances that lead to no Service, and scrapes of no port or route."""
    known = {
        (service["metadata"]["name"], value)
        for service in of_kind(manifests, "Service")
        for port in service["spec"]["ports"]
        for value in (port.get("name"), port["port"])
    }
    for entrance in (*of_kind(manifests, "Ingress"), *of_kind(manifests, "HTTPRoute")):
        for service, port in _backends(entrance):
            if (service, port) not in known:
                yield f"{name_of(entrance)}: port {port} of Service {service} is none of the manifests'"
    yield from _gateway_faults(manifests)
    for monitor in of_kind(manifests, "PodMonitor"):
        yield from _scrape_faults(monitor, manifests)


def _backends(entrance: Manifest) -> Iterator[tuple[str, object]]:
    """Yield Services that an Ingress or a route leads to, each with name or number of the port."""
    for rule in entrance["spec"].get("rules", []):
        for path in rule.get("http", {}).get("paths", []):
            service = path["backend"]["service"]
            yield service["name"], service["port"].get("name", service["port"].get("number"))
        for backend in rule.get("backendRefs", []):
            yield backend["name"], backend["port"]


def _gateway_faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    known = {one["metadata"]["name"] for one in of_kind(manifests, "Gateway")}
    for route in of_kind(manifests, "HTTPRoute"):
        for parent in route["spec"]["parentRefs"]:
            if "namespace" not in parent and parent["name"] not in known:
                yield f"{name_of(route)}: Gateway {parent['name']} is none of the manifests"


def _scrape_faults(monitor: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    spec = monitor["spec"]
    chosen = [pod for pod in workloads(manifests) if matches(spec["selector"], pod.labels)]
    names = {port["name"] for pod in chosen for one in pod.containers for port in one.get("ports", [])}
    for endpoint in spec["podMetricsEndpoints"]:
        yield from (f"{name_of(monitor)}: {fault}" for fault in _endpoint_faults(endpoint, names, manifests))


def _endpoint_faults(
    endpoint: Mapping[str, Node], names: set[str], manifests: Sequence[Manifest]
) -> Iterator[str]:
    if endpoint["port"] not in names:
        yield f"port {endpoint['port']} is none of its pods'"
    if not any((route.method, route.path) == ("get", endpoint["path"]) for route in ALL):
        yield f"asks for {endpoint['path']}, which is no route"
    if "authorization" not in endpoint:
        yield f"asks for {endpoint['path']} without a token, and gets 401"
    speak_tls = any(
        "DATAFLOW_WEB_TLS_CERT_FILE" in one.get("data", {}) for one in of_kind(manifests, "ConfigMap")
    )
    if speak_tls != (endpoint.get("scheme", "http") == "https"):
        yield f"asks for {endpoint['path']} by {endpoint.get('scheme', 'http')}, which workers do not speak"
