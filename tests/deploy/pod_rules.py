"""Rules for pods: Pod Security *restricted*, limits, probes that exist, and no secret in the environment."""

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

from deploy.manifests import Manifest, Workload

from dataflow.http_error import HttpError
from dataflow.web.parameter import read_parameters
from dataflow.web.routes import ALL

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
VOLUMES = {
    "name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected",
    "secret",
}  # fmt: skip
RESOURCES = ("cpu", "memory", "ephemeral-storage")
RECEIVING_ROLES = ("all", "ingest")


def pod_faults(workload: Workload) -> Iterator[str]:
    """Yield what is wrong with the pods of a workload."""
    pod = workload.pod
    yield from (f"{workload.name}: {fault}" for fault in _whole_faults(pod))
    for container in workload.containers:
        name = f"{workload.name} {container['name']}"
        yield from _privilege_faults(name, pod, container)
        yield from _resource_faults(name, container)
        yield from _environment_faults(name, container)
        yield from _mount_faults(name, workload, container)
    for container in pod["containers"]:
        yield from probe_faults(f"{workload.name} {container['name']}", container)


def _whole_faults(pod: Manifest) -> Iterator[str]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield f"{name} is set; expected none"
    if pod.get("automountServiceAccountToken") is not False:
        yield "automountServiceAccountToken is not false"
    if pod.get("enableServiceLinks") is not False:
        yield "enableServiceLinks is not false, and Services become variables"
    for volume in pod.get("volumes", []):
        if kinds := volume.keys() - VOLUMES:
            yield f"volume {volume['name']} is a {', '.join(sorted(kinds))}; restricted pods have none"


def _privilege_faults(name: str, pod: Manifest, container: Manifest) -> Iterator[str]:
    own = container.get("securityContext", {})
    all_of_it = pod.get("securityContext", {}) | own
    if all_of_it.get("runAsNonRoot") is not True or all_of_it.get("runAsUser") == 0:
        yield f"{name}: it may run as root; expected runAsNonRoot: true"
    if all_of_it.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield f"{name}: seccompProfile is not RuntimeDefault"
    if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
        yield f"{name}: allowPrivilegeEscalation is not false, or it is privileged"
    capabilities = own.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"] or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield f"{name}: it has capabilities; expected drop: [ALL]"
    if own.get("readOnlyRootFilesystem") is not True:
        yield f"{name}: readOnlyRootFilesystem is not true"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield f"{name}: it takes a port of the node"


def _resource_faults(name: str, container: Manifest) -> Iterator[str]:
    resources = container.get("resources", {})
    for kind in ("requests", "limits"):
        for resource in RESOURCES:
            if resource not in resources.get(kind, {}):
                yield f"{name}: {kind} has no {resource}"


def _environment_faults(name: str, container: Manifest) -> Iterator[str]:
    for variable in container.get("env", []):
        if "secretKeyRef" in variable.get("valueFrom", {}):
            yield f"{name}: {variable['name']} puts a secret into the environment; expected a file"
    if any("secretRef" in source for source in container.get("envFrom", [])):
        yield f"{name}: envFrom puts secrets into the environment; expected files"


def _mount_faults(name: str, workload: Workload, container: Manifest) -> Iterator[str]:
    known = {volume["name"] for volume in workload.pod.get("volumes", [])}
    claims = workload.manifest["spec"].get("volumeClaimTemplates", [])
    known |= {claim["metadata"]["name"] for claim in claims}
    for mount in container.get("volumeMounts", []):
        if mount["name"] not in known:
            yield f"{name}: mounts {mount['name']}; expected one of {', '.join(sorted(known))}"


def probe_faults(name: str, container: Manifest) -> Iterator[str]:
    """Yield probes that ask for a port or a path that there is not, or for what this role never does."""
    role = environment_of(container).get("DATAFLOW_ROLE")
    ports = {port["name"] for port in container.get("ports", [])}
    for kind in PROBES:
        probe = container.get(kind, {}).get("httpGet")
        if probe is None:
            continue
        if probe["port"] not in ports:
            yield f"{name}: {kind} asks port {probe['port']}; expected one of {', '.join(sorted(ports))}"
        if role is not None:
            yield from (f"{name}: {kind} {fault}" for fault in _path_faults(probe["path"], role))


def _path_faults(asked: str, role: str) -> Iterator[str]:
    parts = urlsplit(asked)
    query = parse_qsl(parts.query)
    routes = [route for route in ALL if (route.method, route.path) == ("get", parts.path)]
    if not routes:
        yield f"asks for {parts.path}, which is no route"
    for route in routes:
        for name, parameters in route.parameters.items():
            try:
                read_parameters(route.types[name], parameters, query, {}, {})
            except HttpError as error:
                yield f"asks for {asked}: {error}"
    if ("for", "ingest") in query and role not in RECEIVING_ROLES:
        yield f"asks for {asked}, for which role {role} is never ready"


def environment_of(container: Manifest) -> Mapping[str, str]:
    """Return the variables that a container gives itself with a value."""
    return {one["name"]: one["value"] for one in container.get("env", []) if "value" in one}
