"""Check manifests: `kustomize build OVERLAY | python tests/deploy/check_manifests.py` tells every fault.

An API server accepts what is checked here: misspelt keys of free-form maps, selectors that match nothing,
probes of paths that no worker has, settings that a worker refuses at its start, Secrets and keys that nobody
makes, bytes without a unit, a network that is too closed, pods that are killed while they drain, autoscalers
by metrics that nobody has.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from deploy.address_rules import address_faults
from deploy.entrance_rules import entrance_faults
from deploy.free_form import free_form_faults
from deploy.life_rules import life_faults
from deploy.link_rules import link_faults
from deploy.manifests import Manifest, read_yaml, workloads
from deploy.network_rules import network_faults
from deploy.pod_rules import pod_faults
from deploy.quantity_rules import quantity_faults
from deploy.scaling_rules import scaling_faults
from deploy.secret_rules import secret_faults
from deploy.worker_settings import setting_faults_of

RULES = (
    link_faults, address_faults, secret_faults, quantity_faults, life_faults, network_faults, entrance_faults,
    scaling_faults,
)  # fmt: skip


def faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield everything that is wrong with the manifests of one cluster."""
    yield from free_form_faults(manifests)
    for rules in RULES:
        yield from rules(manifests)
    for workload in workloads(manifests):
        yield from pod_faults(workload)
        yield from setting_faults_of(workload, manifests)


if __name__ == "__main__":
    told = sorted(set(faults(read_yaml(sys.stdin.read()))))
    print("\n".join(told) or "All manifests are as expected.")
    sys.exit(1 if told else 0)
