"""Stateful set: a pod leaves its group only where its set has no place for it any more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.pod_account import Api, pod_account

from dataflow import stateful_set
from dataflow.errors import DataflowError, Misconfigured
from dataflow.stateful_set import can_ask, is_scaled_in


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Api]]:
    """Run an API server that this pod can ask."""
    monkeypatch.setattr(stateful_set, "ACCOUNT", tmp_path)
    with pod_account(tmp_path) as api:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api.port))
        yield api


@pytest.mark.parametrize(
    ("pod", "replicas", "expected"),
    [
        ("dataflow-enrich-2", 3, False),
        ("dataflow-enrich-3", 3, True),
        ("dataflow-enrich-10", 3, True),
        ("dataflow-enrich-0", 0, True),
        ("dataflow-enrich-0", None, True),
    ],
)
def test_a_pod_beyond_the_replicas_does_not_come_back(
    api: type[Api], pod: str, replicas: int | None, expected: bool
):
    """Nor does one whose set is deleted (404)."""
    assert can_ask()
    api.replicas = replicas
    assert is_scaled_in(pod) is expected


def test_an_api_that_refuses_is_named(api: type[Api]):
    """The worker then stays in its group; whoever looks has to find the missing right."""
    with pytest.raises(DataflowError, match=r"does not say the scale of other: HTTP Error 403"):
        is_scaled_in("other-0")


def test_an_address_that_is_none_is_named(api: type[Api], monkeypatch: pytest.MonkeyPatch):
    """What escaped from here let a worker that drains never end."""
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "https")
    with pytest.raises(DataflowError, match=r"does not say the scale of enrich: nonnumeric port"):
        is_scaled_in("enrich-0")


@pytest.mark.parametrize("pod", ["", "worker", "enrich-", "-1x"])
def test_a_name_that_no_pod_of_a_set_has_is_refused(pod: str):
    """A place in a set cannot be read off it."""
    with pytest.raises(Misconfigured, match=f"^DATAFLOW_INSTANCE_ID is '{pod}'; expected the name of a pod"):
        is_scaled_in(pod)


def test_outside_of_kubernetes_it_says_so(monkeypatch: pytest.MonkeyPatch):
    """Not that a variable is missing, of which nobody has heard."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert not can_ask()
    with pytest.raises(Misconfigured, match=r"^API of Kubernetes is not known here"):
        is_scaled_in("enrich-0")
