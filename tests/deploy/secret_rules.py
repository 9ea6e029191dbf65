"""Rules for Secrets: somebody makes each, with the keys that pods take, and the pods may read them.

The API server accepts a pod whose Secret or key there is not: it waits for ever, in ContainerCreating.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from deploy.manifests import ROOT, Manifest, Node, Workload, workloads

DOCS = ROOT / "docs" / "deploy-kubernetes.md"
_MADE = re.compile(r"create secret generic (\S+)((?:[\s\\]+--from-file=[^\s`]+)+)")
OTHERS_READ, GROUP_READS = 0o004, 0o040


def secret_faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield Secrets that nobody makes, keys that they have not, and files that their pods cannot read."""
    by_hand = dict(_made_by_hand())
    known = by_hand.keys() | set(_made_by_others(manifests))
    for workload in workloads(manifests):
        for volume in workload.pod.get("volumes", []):
            for secret in _secrets_of(volume):
                name = secret.get("name", secret.get("secretName"))
                if name not in known:
                    yield f"{workload.name}: Secret {name} is none of {', '.join(sorted(known))}"
                if name in by_hand:
                    yield from _key_faults(workload, secret, by_hand[name])
            yield from _mode_faults(workload, volume)


def _key_faults(workload: Workload, secret: Mapping[str, Node], keys: set[str]) -> Iterator[str]:
    for item in secret.get("items", []):
        if item["key"] not in keys:
            told = f"Secret has no {item['key']}; expected one of {', '.join(sorted(keys))}"
            yield f"{workload.name}: {told}"


def _made_by_hand() -> Iterator[tuple[str, set[str]]]:
    """Yield the Secrets that people make by the commands of the docs, with their keys."""
    for name, files in _MADE.findall(DOCS.read_text()):
        yield name, {file.rpartition("/")[2] for file in re.findall(r"--from-file=(\S+)", files)}


def _made_by_others(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield the Secrets that operators make of manifests."""
    for manifest in manifests:
        name, spec = manifest["metadata"]["name"], manifest.get("spec", {})
        match manifest["kind"]:
            case "Secret" | "KafkaUser":
                yield name
            case "Certificate":
                yield spec["secretName"]
            case "ExternalSecret":
                yield spec.get("target", {}).get("name", name)
            case "Kafka":
                yield f"{name}-cluster-ca-cert"


def _secrets_of(volume: Mapping[str, Node]) -> Iterator[Mapping[str, Node]]:
    sources = volume.get("projected", {}).get("sources", [volume])
    yield from (source["secret"] for source in sources if "secret" in source)


def _mode_faults(workload: Workload, volume: Mapping[str, Node]) -> Iterator[str]:
    """Yield files that belong to root, and that neither their group nor others may read."""
    content = volume.get("projected", volume.get("secret"))
    if content is None:
        return
    mode = content.get("defaultMode", 0o644)
    mode = int(mode, 8) if isinstance(mode, str) else mode
    has_group = "fsGroup" in workload.pod.get("securityContext", {})
    if not mode & OTHERS_READ and not (has_group and mode & GROUP_READS):
        yield (
            f"{workload.name}: files of volume {volume['name']} have mode {mode:04o}, and it "
            f"{'has an' if has_group else 'has no'} fsGroup; expected one, and 0440"
        )
