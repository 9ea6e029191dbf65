"""docs/deploy-kubernetes.md names what there is: files, overlays, settings, make targets, Secrets."""

import re
from collections.abc import Iterator

from deploy.free_form import SETTINGS
from deploy.manifests import K8S, ROOT, Node, read_yaml, yaml_files

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


def of_the_cluster(node: Node) -> Iterator[str]:
    """Yield kind and name of what a manifest needs that belongs to no namespace."""
    if isinstance(node, list):
        for one in node:
            yield from of_the_cluster(one)
    elif isinstance(node, dict):
        if str(node.get("kind")).startswith("Cluster") and "name" in node:
            yield f"{node['kind']} `{node['name']}`"
        for key, value in node.items():
            if key in ("gatewayClassName", "ingressClassName"):
                yield f"{key[0].upper()}{key.removesuffix('Name')[1:]} `{value}`"
            yield from of_the_cluster(value)


def test_what_components_need_of_a_cluster_is_on_the_page():
    """A certificate of an issuer that nobody has made is never issued, and only its status says why."""
    needed = {
        one for path in yaml_files(K8S / "components") for one in of_the_cluster(read_yaml(path.read_text()))
    }
    assert len(needed) == 4
    assert {one for one in needed if one not in PAGE} == set()
