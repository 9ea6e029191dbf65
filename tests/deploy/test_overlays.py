"""Overlays, as kustomize builds them: whole, without faults, and with the topics of the catalogue."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from deploy.check_manifests import faults
from deploy.cluster.programs import CACHE, MODULES
from deploy.manifests import K8S, Manifest, of_kind, read_yaml
from deploy.strimzi_resources import FILES, FOLDER

from dataflow.settings import Settings
from dataflow.topics import declared_topics

OVERLAYS = sorted(path.parent.name for path in K8S.glob("overlays/*/kustomization.yaml"))


@pytest.fixture(scope="module")
def kustomize() -> str:
    """Return the program."""
    found = shutil.which("kustomize", path=f"{CACHE / 'bin'}:{Path.home() / 'go' / 'bin'}")
    found = shutil.which("kustomize") or found
    if found is None:
        pytest.skip(f"kustomize is not installed; to run this: go install {MODULES['kustomize'][0]}")
    return found


def built(kustomize: str, folder: Path) -> list[Manifest]:
    """Return what a kustomization makes."""
    done = subprocess.run([kustomize, "build", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return read_yaml(done.stdout)


@pytest.mark.parametrize("overlay", ["../base", *OVERLAYS])
def test_an_overlay_has_no_fault(kustomize, overlay):
    """Its workers start with their settings, find their files, and are found by their Services."""
    assert list(faults(built(kustomize, K8S / "overlays" / overlay))) == []


def test_components_that_no_overlay_has_fit_the_base(kustomize: str, tmp_path: Path):
    """With `tls`, the scheduled ingest did not find its certificate, and Prometheus asked by plain HTTP."""
    folder = tmp_path / "overlay"
    folder.mkdir()
    k8s = os.path.relpath(K8S, folder.resolve())
    components = "".join(f"  - {k8s}/components/{name}\n" for name in ("prometheus", "hpa", "tls"))
    (folder / "kustomization.yaml").write_text(f"resources:\n  - {k8s}/base\ncomponents:\n{components}")
    assert list(faults(built(kustomize, folder))) == []


@pytest.mark.parametrize("name", FILES)
def test_topics_and_users_are_those_of_the_program(name):
    """A topic made otherwise is altered by nobody; a right too few pauses a stream."""
    told = "not as the program has it; run: python tests/deploy/strimzi_resources.py"
    assert (FOLDER / name).read_text() == FILES[name](), f"{name} is {told}"


def test_their_names_in_kafka_are_kept():
    """Kubernetes takes no underscores, and a topic of another name would be another topic."""
    made = of_kind(read_yaml((FOLDER / "topics.yaml").read_text()), "KafkaTopic")
    names = {one["spec"].get("topicName", one["metadata"]["name"]) for one in made}
    assert names == {topic.name for topic in declared_topics(Settings())}
