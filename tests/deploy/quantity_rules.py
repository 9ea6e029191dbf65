"""Rules for quantities: bytes have a unit of at least Mi, and CPUs are no thousandths without their `m`.

The API server accepts `memory: 640` as 640 bytes, and `640m` as less than one: no container starts with it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from deploy.manifests import Manifest, Node, name_of

BYTES = ("memory", "ephemeral-storage", "storage", "sizeLimit")
MOST_CPUS = 64
_BYTES = re.compile(r"\d+(\.\d+)?([MGTPE]i?)|\d{7,}")
_CPUS = re.compile(r"(\d+(?:\.\d+)?)(m?)")


def quantity_faults(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield requests, limits and sizes that can hardly be meant."""
    for manifest in manifests:
        for where, name, value in _quantities(manifest, ""):
            if name in BYTES and not _BYTES.fullmatch(value):
                yield f"{name_of(manifest)}: {name} of {where} is {value}; expected a number with Mi or Gi"
            if name == "cpu" and not _is_cpu(value):
                yield f"{name_of(manifest)}: cpu of {where} is {value}; expected at most {MOST_CPUS}, or 250m"


def _is_cpu(value: str) -> bool:
    found = _CPUS.fullmatch(value)
    return found is not None and 0 < float(found[1]) <= MOST_CPUS * (1000 if found[2] else 1)


def _quantities(node: Node, within: str) -> Iterator[tuple[str, str, str]]:
    """Yield each quantity of requests, limits, capacities and volumes, with where it is."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            is_place = within in ("requests", "limits", "capacity") or name == "sizeLimit"
            if is_place and isinstance(value, str | int | float):
                yield within, name, str(value)
            yield from _quantities(value, name)
    elif isinstance(node, list):
        for one in node:
            yield from _quantities(one, within)
