"""docs/deploy-kubernetes.md names what there is: files, overlays, settings, make targets, Secrets."""

import re

from deploy.free_form import SETTINGS
from deploy.manifests import K8S, ROOT

PAGE = (ROOT / "docs" / "deploy-kubernetes.md").read_text()


def test_every_file_that_it_names_is_there():
    """Whoever follows a page literally stops at the first that is not."""
    named = set(re.findall(r"\b((?:k8s|deploy|tests)/[\w./-]+\w)", PAGE)) - {"k8s/overlays/mine"}
    assert {path for path in named if not (ROOT / path).exists()} == set()
    overlays = set(re.findall(r"\boverlays/([\w-]+)", PAGE)) - {"mine"}
    assert overlays == {path.name for path in (K8S / "overlays").iterdir()}


def test_every_setting_that_it_names_is_one():
    """A setting that has been renamed would be set in vain, or end a worker."""
    named = set(re.findall(r"\bDATAFLOW_\w+[A-Z]\b", PAGE)) - {"DATAFLOW_S3"}
    assert named - SETTINGS == set()


def test_every_secret_that_workloads_mount_is_made_on_the_page():
    """A pod whose Secret is missing waits for ever, and says so only to who describes it."""
    mounted = {
        name
        for folder in ("base", "components/tls")
        for path in (K8S / folder).glob("*.yaml")
        for name in re.findall(r"secret:\n +name: (\S+)", path.read_text())
    }
    made = set(re.findall(r"create secret generic (\S+)", PAGE))
    assert mounted == made


def test_every_make_target_that_it_names_is_one():
    """So that a target that has gone is not asked for."""
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`?make ([a-z]+)", PAGE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
