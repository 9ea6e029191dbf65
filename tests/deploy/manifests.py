"""Manifests: YAML of Kubernetes in; its documents, pods, containers and settings out."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml_rs

Node = Any
"""What YAML holds at one place: Kubernetes has hundreds of kinds, and free-form maps among them."""
Manifest = dict[str, Node]

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"

POD_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


@dataclass(frozen=True, slots=True)
class Workload:
    """A manifest that makes pods."""

    manifest: Manifest
    template: Manifest

    @property
    def name(self) -> str:
        """Kind and name, as `kubectl` writes them."""
        return name_of(self.manifest)

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of its pods."""
        return dict(self.template.get("metadata", {}).get("labels", {}))

    @property
    def pod(self) -> Manifest:
        """What its pods are."""
        spec: Manifest = self.template["spec"]
        return spec

    @property
    def containers(self) -> list[Manifest]:
        """All of them: those that come first, too."""
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]


def read_yaml(text: str) -> list[Manifest]:
    """Return the documents of a text; a key that is there twice is an error."""
    documents: Node = yaml_rs.loads(text, parse_datetime=False)
    return [one for one in (documents if isinstance(documents, list) else [documents]) if one]


def yaml_files(folder: Path) -> list[Path]:
    """Return all YAML files in a folder, and below."""
    return sorted(folder.rglob("*.yaml"))


def name_of(manifest: Manifest) -> str:
    """Return kind and name."""
    return f"{manifest.get('kind')}/{manifest.get('metadata', {}).get('name')}"


def workloads(manifests: Iterable[Manifest]) -> Iterator[Workload]:
    """Yield what makes pods."""
    for manifest in manifests:
        path = POD_TEMPLATES.get(manifest.get("kind", ""))
        if path is not None:
            template = manifest
            for step in path:
                template = template[step]
            yield Workload(manifest, template)


def of_kind(manifests: Iterable[Manifest], kind: str) -> list[Manifest]:
    """Return the manifests of a kind."""
    return [one for one in manifests if one.get("kind") == kind]


def settings_of(folder: Path) -> dict[str, dict[str, str]]:
    """Return what the ConfigMaps that a kustomization makes of `.env` files hold, by their names."""
    [kustomization] = read_yaml((folder / "kustomization.yaml").read_text())
    return {
        made["name"]: {
            name: text for file in made["envs"] for name, text in read_env((folder / file).read_text())
        }
        for made in kustomization.get("configMapGenerator", [])
    }


def read_env(text: str) -> Iterator[tuple[str, str]]:
    """Yield names and values of a `.env` file, as kustomize reads them."""
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name, value


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """Put values in the place of `$(NAME)`, as the kubelet does; what is unknown stays."""
    return re.sub(r"\$\((\w+)\)", lambda match: environment.get(match[1], match[0]), text)
