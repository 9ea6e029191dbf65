"""Custom resources: the kinds of operators, from their Go modules, for a server that runs none of them."""

from collections.abc import Iterable, Mapping

from deploy.cluster.node import ClusterNode, wait_until
from deploy.cluster.programs import module_folder
from deploy.manifests import Manifest, read_yaml

MODULES: Mapping[str, str] = {
    "github.com/kedacore/keda/v2@v2.21.0": "config/crd/bases/keda.sh_scaledobjects.yaml",
    "sigs.k8s.io/gateway-api@v1.3.0": "config/crd/standard/*.k8s.io_[gh]*.yaml",
    "github.com/cert-manager/cert-manager@v1.18.2": "deploy/crds/crd-[ci]*s.yaml",
    "github.com/external-secrets/external-secrets@v0.16.2": "config/crds/bases/*io_externalsecrets.yaml",
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": "example/*-crd/*_p*[ol][re]s.yaml",
}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def define(node: ClusterNode) -> Mapping[str, str]:
    """Have the server know the kinds of all operators but Strimzi's; return their paths, by kind."""
    paths: dict[str, str] = {}
    for definition in _definitions():
        if definition["spec"]["scope"] == "Cluster":
            continue
        node.apply_at(DEFINITIONS, definition)
        spec = definition["spec"]
        [stored] = [version["name"] for version in spec["versions"] if version["storage"]]
        path = f"/apis/{spec['group']}/{stored}/namespaces/dataflow/{spec['names']['plural']}"
        wait_until(lambda path=path: _is_served(node, path), 60, f"{path} is served")  # type: ignore[misc]
        paths[spec["names"]["kind"]] = path
    return paths


def _is_served(node: ClusterNode, path: str) -> bool:
    try:
        return str(node.ask("GET", path)["kind"]).endswith("List")
    except (LookupError, ValueError):  # not yet: a plain text
        return False


def _definitions() -> Iterable[Manifest]:
    for module, pattern in MODULES.items():
        for path in sorted(module_folder(module).glob(pattern)):
            lines = [line for line in path.read_text().splitlines() if "{{" not in line]  # of Helm
            yield from read_yaml("\n".join(lines))
