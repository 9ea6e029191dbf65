"""Overlays, as kustomize builds them: whole, without faults, and with the topics of the catalogue."""

import shutil
import subprocess
from pathlib import Path

import pytest
from deploy.check_manifests import faults
from deploy.cluster.programs import CACHE, GO
from deploy.free_form import topic_faults
from deploy.manifests import K8S, Manifest, of_kind, read_yaml

from dataflow.settings import Settings
from dataflow.topics import declared_topics

OVERLAYS = sorted(path.parent.name for path in K8S.glob("overlays/*/kustomization.yaml"))
TOPICS = K8S / "components" / "strimzi" / "topics.yaml"
PARTITIONS = 12


@pytest.fixture(scope="module")
def kustomize() -> str:
    """Return the program."""
    found = shutil.which("kustomize", path=f"{CACHE / 'bin'}:{Path.home() / 'go' / 'bin'}")
    found = shutil.which("kustomize") or found
    if found is None:
        pytest.skip(f"kustomize is not installed; to run this: go install {GO['kustomize']}")
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


def test_all_topics_are_as_the_catalogue_declares_them():
    """A topic that an operator makes otherwise would be told by every worker, and altered by none."""
    manifests = of_kind(read_yaml(TOPICS.read_text()), "KafkaTopic")
    assert list(topic_faults(manifests, declared_topics(Settings(partitions=PARTITIONS)))) == []


def test_a_topic_that_differs_is_told():
    """A check that accepts everything proves nothing."""
    manifests = of_kind(read_yaml(TOPICS.read_text()), "KafkaTopic")
    manifests[0]["spec"]["partitions"] = 3
    manifests[1]["spec"]["config"]["retention.ms"] = "1"
    del manifests[2]
    told = list(topic_faults(manifests, declared_topics(Settings(partitions=PARTITIONS))))
    assert len(told) == 3, told
