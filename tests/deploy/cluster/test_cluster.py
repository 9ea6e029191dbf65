"""A cluster that rolls, loses pods and grows under load: what was accepted is counted, once.

`make cluster` runs it: a real API server, kubelet and containerd, pods under Pod Security restricted.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from deploy.cluster.autoscaling import autoscalers, measured
from deploy.cluster.images import BEFORE, DATAFLOW, build_before, build_images
from deploy.cluster.node import PATHS, ClusterNode, running_node, wait_until
from deploy.cluster.one_node import ROLLED, UPGRADED, OneNode, apply_overlay
from deploy.cluster.programs import HERE, hyper, installed, missing
from deploy.cluster.resources import define
from deploy.manifests import K8S, read_yaml

pytestmark = [
    pytest.mark.skipif("CLUSTER_TEST" not in os.environ, reason="it takes ten minutes: make cluster"),
    pytest.mark.timeout(1_800),
]

BEFORE_SECONDS = 5
SCALED_SECONDS = 120
WHOLE_SECONDS = 30
RELEASE_BEFORE = "6fab2d8"
"""A commit that runs with the manifests of now."""
DNS = "10.202.0.10"  # as node.sh has it


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneNode]:
    """Return a cluster with overlays/one-node, ready."""
    if reason := missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("node")
    binary, archives = hyper(), build_images(tmp_path_factory.mktemp("images"))
    secrets = folder / "secrets"
    subprocess.run([sys.executable, "-m", "dataflow", "secrets", "init", str(secrets)], check=True)
    with running_node(folder, binary) as node:
        for archive in archives:
            node.load(archive)
            archive.unlink()
        with answering_names(node):
            yield apply_overlay(node, secrets)


@contextmanager
def answering_names(node: ClusterNode) -> Iterator[None]:
    """Answer DNS questions of pods while the block runs."""
    with subprocess.Popen(node.inside(sys.executable, str(HERE / "names.py"), DNS)) as process:
        try:
            yield
        finally:
            process.kill()


def test_a_bare_pod_is_refused(cluster):
    """Pod Security restricted holds for the namespace, so all that runs in it has passed."""
    bare = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bare", "namespace": "dataflow"},
        "spec": {"containers": [{"name": "bare", "image": "localhost/kafka:stand-in"}]},
    }
    with pytest.raises(LookupError, match="violates PodSecurity"):
        cluster.node.apply(bare)


def test_a_roll_of_all_loses_nothing(cluster):
    """No batch of unknown fate at a drained pod: each was answered, or refused before it was taken."""
    with cluster.load():
        time.sleep(BEFORE_SECONDS)
        for kind, component in ROLLED:
            cluster.roll(kind, component)
            cluster.wait_rolled(kind, component)
    assert cluster.sent["unknown"] == 0, cluster.sent
    assert cluster.sent["accepted"] > 0
    cluster.wait_counted()


def test_a_pod_that_is_deleted_by_force_loses_nothing(cluster):
    """As when a machine dies: answers name what they lack, and are whole again."""
    with cluster.load():
        time.sleep(BEFORE_SECONDS)
        victim = cluster.node.pods("enrich")[0]["metadata"]["name"]
        cluster.node.ask("DELETE", f"{PATHS['Pod']}/{victim}?gracePeriodSeconds=0")
        wait_until(cluster.names_missing, WHOLE_SECONDS, "an answer names what it lacks", cluster.tell)
        seconds = wait_until(cluster.is_whole, WHOLE_SECONDS, "answers are whole again", cluster.tell)
        print(f"answers are whole {seconds:.1f} s after the first one that lacks something")
        cluster.wait_rolled("StatefulSet", "enrich")
    cluster.wait_counted()


def test_pods_that_come_and_go_lose_nothing(cluster):
    """Out: the new ones get partitions and connections. In: others take over what those that go had."""
    unknown = cluster.sent["unknown"]
    with cluster.load():
        for replicas in (3, 2):
            for kind, component in ROLLED:
                cluster.scale(kind, component, replicas)
            for kind, component in ROLLED:
                cluster.wait_rolled(kind, component)
            seconds = wait_until(cluster.is_whole, WHOLE_SECONDS, "answers are whole again", cluster.tell)
            print(f"{replicas} of each: answers are whole after {seconds:.1f} s")
    assert cluster.sent["unknown"] == unknown, cluster.sent
    cluster.wait_counted()


def test_an_upgrade_and_the_way_back_lose_nothing(cluster, tmp_path):
    """The release before takes over, and this one again, in the order of docs/upgrading.md."""
    try:
        archive = build_before(RELEASE_BEFORE, tmp_path)
    except LookupError as error:
        pytest.skip(f"{error}: git fetch --unshallow")
    cluster.node.load(archive)
    archive.unlink()
    unknown = cluster.sent["unknown"]
    with cluster.load():
        for image in (BEFORE, DATAFLOW):
            for kind, component in UPGRADED:
                cluster.set_image(kind, component, image)
                seconds = cluster.wait_rolled(kind, component)
                print(f"{component} runs {image} after {seconds:.1f} s")
    assert cluster.sent["unknown"] == unknown, cluster.sent
    cluster.wait_counted()


def test_autoscalers_act_and_lose_nothing(cluster):
    """Ingest grows by its CPU; enrich has one pod too many for `dataflow_wanted_workers`, and loses it."""
    cluster.scale("StatefulSet", "enrich", 3)
    cluster.wait_rolled("StatefulSet", "enrich")
    unknown = cluster.sent["unknown"]
    with cluster.load(), measured(cluster.node, cluster.secrets):
        for autoscaler in autoscalers():
            cluster.node.apply(autoscaler)
        for (kind, component), replicas in zip(ROLLED, (3, 2), strict=True):
            is_scaled = partial(has_replicas, cluster, kind, component, replicas)
            seconds = wait_until(
                is_scaled, SCALED_SECONDS, f"{component} is scaled to {replicas}", cluster.tell
            )
            print(f"{component} has {replicas} pods after {seconds:.1f} s")
            cluster.wait_rolled(kind, component)
    assert cluster.sent["unknown"] == unknown, cluster.sent
    cluster.wait_counted()


def has_replicas(cluster: OneNode, kind: str, component: str, replicas: int) -> bool:
    """Whether a component is to have this many pods."""
    return cluster.replicas(kind, component) == replicas


def test_the_server_accepts_all_overlays(cluster):
    """Strictly: no field that it does not know. Strimzi's kinds have no definition in a module."""
    paths = {**PATHS, **define(cluster.node)}
    for overlay in ("three-zones", "linode"):
        build = [str(installed("kustomize")), "build", str(K8S / "overlays" / overlay)]
        built = read_yaml(subprocess.run(build, check=True, capture_output=True, text=True).stdout)
        known = [one for one in built if not one["apiVersion"].startswith("kafka.strimzi.io/")]
        for manifest in known:
            manifest["metadata"]["name"] += "-dry" * (manifest["kind"] != "Namespace")
            cluster.node.apply_at(paths[manifest["kind"]], manifest, dry_run=True)
