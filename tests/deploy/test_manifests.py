"""Manifests of k8s/: what an API server does not see is checked here, and each check finds its fault."""

import tomllib
from pathlib import Path

import pytest
from deploy.check_manifests import faults
from deploy.free_form import free_form_faults
from deploy.manifests import K8S, ROOT, Manifest, read_yaml, settings_of, workloads, yaml_files

from dataflow.metrics import METRICS

BASE = K8S / "base"


def base_manifests() -> list[Manifest]:
    """Return the base as kustomize builds it, as far as the rules look at it."""
    names = {"app.kubernetes.io/name": "dataflow", "app.kubernetes.io/part-of": "dataflow"}
    manifests = [
        one
        for path in yaml_files(BASE)
        if path.name != "kustomization.yaml"
        for one in read_yaml(path.read_text())
    ]
    for workload in workloads(manifests):
        workload.template["metadata"]["labels"] |= names
    made = [
        {"kind": "ConfigMap", "metadata": {"name": name}, "data": data}
        for name, data in settings_of(BASE).items()
    ]
    return [*manifests, *made]


@pytest.fixture
def manifests() -> list[Manifest]:
    """Return manifests that a test may spoil."""
    return base_manifests()


def test_the_base_has_no_fault():
    """It starts workers with settings they take, reachable, probed and fenced."""
    assert list(faults(base_manifests())) == []


@pytest.mark.parametrize(
    "path",
    [path for path in yaml_files(K8S) if ".terraform" not in path.parts],
    ids=lambda path: str(path.relative_to(K8S)),
)
def test_every_file_can_be_read_and_has_no_unknown_key(path):
    """Patches of overlays and components, too, which are no whole manifests."""
    documents = read_yaml(path.read_text())
    assert documents
    assert list(free_form_faults([one for one in documents if "kind" in one])) == []


def test_every_setting_of_an_env_file_is_one():
    """A misspelt name would end every worker at its start, after the roll has begun."""
    from deploy.free_form import setting_faults
    from deploy.manifests import read_env

    files = sorted(K8S.rglob("*.env"))
    assert files
    told = [
        fault
        for file in files
        for fault in setting_faults(file.name, [name for name, _ in read_env(file.read_text())])
    ]
    assert told == []


def set_at(manifests: list[Manifest], name: str, path: str, value: object) -> None:
    """Spoil a manifest: write a value at a path, or remove what is there."""
    [node] = [one for one in manifests if f"{one['kind']}/{one['metadata']['name']}" == name]
    *steps, last = [int(step) if step.isdigit() else step for step in path.split("|")]
    for step in steps:
        node = node[step]
    if value is None:
        del node[last]
    else:
        node[last] = value


def test_the_metric_that_enrich_scales_by_is_one_and_is_served():
    """By another name the autoscaler has no number, and leaves everything as it is for ever."""
    scalers = read_yaml((K8S / "components" / "hpa" / "autoscalers.yaml").read_text())
    asked = {
        metric["external"]["metric"]["name"]
        for scaler in scalers
        for metric in scaler["spec"]["metrics"]
        if metric["type"] == "External"
    }
    [rules] = read_yaml((ROOT / "deploy" / "prometheus" / "adapter.yml").read_text())
    served = {rule["seriesQuery"].partition("{")[0] for rule in rules["externalRules"]}
    assert asked == served
    assert served <= METRICS.keys()


SPOILT = tomllib.loads(Path(__file__).with_name("spoilt_manifests.toml").read_text())


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_manifest_is_told(manifests, what):
    """A check that accepts everything proves nothing."""
    fault = SPOILT[what]
    for file in fault.get("beside", []):
        manifests += read_yaml((K8S / "components" / file).read_text())
    set_at(manifests, fault["manifest"], fault["path"], fault.get("value"))
    assert any(fault["told"] in told for told in faults(manifests)), list(faults(manifests))


MISSPELT: dict[str, tuple[Manifest, str]] = {
    "a trigger's key": (
        {
            "kind": "ScaledObject",
            "spec": {"triggers": [{"type": "kafka", "metadata": {"lagTreshold": "5"}}]},
        },
        "lagTreshold; expected lagThreshold",
    ),
    "a trigger": (
        {"kind": "ScaledObject", "spec": {"triggers": [{"type": "promethus", "metadata": {}}]}},
        "promethus; expected prometheus",
    ),
    "a setting of Kafka": (
        {"kind": "Kafka", "spec": {"kafka": {"config": {"min.insync.replica": 2}}}},
        "expected min.insync.replicas",
    ),
    "a kind of disk": ({"kind": "StorageClass", "parameters": {"typ": "ssd"}}, "expected type"),
    "an annotation": (
        {"kind": "Ingress", "metadata": {"annotations": {"cert-manager.io/cluster-isuer": "x"}}},
        "expected cert-manager.io/cluster-issuer",
    ),
    "a variable": ({"kind": "Deployment", "spec": {"env": [{"name": "DATAFLOW_ROL"}]}}, "DATAFLOW_ROLE"),
    "a resource": (
        {"kind": "Pod", "spec": {"resources": {"limits": {"memmory": "1Gi"}}}},
        "expected memory",
    ),
}


@pytest.mark.parametrize("what", MISSPELT)
def test_a_misspelt_key_of_a_free_form_map_is_told(what):
    """A real API server accepts each of them, and then nothing scales, or is kept, or is let in."""
    manifest, told = MISSPELT[what]
    assert any(told in fault for fault in free_form_faults([manifest]))
