"""Worker settings: the environment that the kubelet would give a container, read as the worker reads it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from deploy.manifests import Manifest, Workload, expanded, of_kind

from dataflow.access.configured import check_access
from dataflow.errors import Misconfigured
from dataflow.settings import read_settings

FIELDS = {
    "metadata.name": "dataflow-enrich-0",
    "metadata.namespace": "dataflow",
    "status.podIP": "10.201.0.7",
    "spec.nodeName": "node1",
}
CONTENTS = {"postgres-url": "postgresql://dataflow:secret@postgres/dataflow"}
A_SECRET = "a secret that is long enough for everybody"


def setting_faults_of(workload: Workload, manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield what a worker would refuse at its start; files are those that its volumes bring."""
    maps = {one["metadata"]["name"]: one.get("data", {}) for one in of_kind(manifests, "ConfigMap")}
    for container in workload.pod["containers"]:
        if container.get("command") != ["dataflow"]:
            continue
        environment = container_environment(container, maps)
        yield from _data_faults(workload.name, container, environment)
        with TemporaryDirectory() as folder:
            _write_files(Path(folder), workload.pod, container)
            found = {name: _in_folder(text, folder, container) for name, text in environment.items()}
            with patch.dict(os.environ, found, clear=True):
                try:
                    settings = read_settings()
                    if container["args"][0] == "worker":
                        check_access(settings)
                except Misconfigured as error:
                    yield from (f"{workload.name}: {line}" for line in str(error).splitlines())


def _data_faults(name: str, container: Manifest, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a data folder on the root file system, where a worker can write nothing."""
    place = environment.get("DATAFLOW_DATA_DIR", "")
    mounts = [one["mountPath"] for one in container.get("volumeMounts", []) if not one.get("readOnly")]
    if not any(f"{place}/".startswith(f"{path}/") for path in mounts):
        yield f"{name}: DATAFLOW_DATA_DIR is {place!r}; expected a folder of a volume that can be written"


def container_environment(container: Manifest, maps: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return all variables of a container; what the pod says wins over ConfigMaps."""
    environment: dict[str, str] = {}
    for source in container.get("envFrom", []):
        environment |= maps.get(source.get("configMapRef", {}).get("name"), {})
    for variable in container.get("env", []):
        field = variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
        text = FIELDS[field] if field else str(variable.get("value", ""))
        environment[variable["name"]] = expanded(text, environment)
    return environment


def _write_files(folder: Path, pod: Manifest, container: Manifest) -> None:
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    for mount in container.get("volumeMounts", []):
        home = folder / mount["mountPath"].lstrip("/")
        home.mkdir(parents=True, exist_ok=True)
        volume = volumes.get(mount["name"], {})
        sources = volume.get("projected", {}).get("sources", [volume])
        for source in sources:
            for one in (source.get("secret") or source.get("configMap") or {}).get("items", []):
                (home / one["path"]).write_text(CONTENTS.get(one["key"], A_SECRET))


def _in_folder(text: str, folder: str, container: Manifest) -> str:
    """Return a path as it is in the folder; what is no path of a mount stays."""
    paths = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
    return f"{folder}{text}" if any(text.startswith(f"{path}/") for path in paths) else text
