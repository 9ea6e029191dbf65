"""All walks over bytes from outside, by area: each area is counted by a process of its own."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from walks.walk import Walk

AREAS: Final = {
    "bodies": "BODIES",
    "log_lines": "LOG_LINES",
    "files": "FILES",
    "records": "RECORDS",
    "shown": "SHOWN",
}
"""Modules beside this one, and the name of their walks."""


def walks_of(area: str) -> Mapping[str, Walk]:
    """Return the walks of an area; others are not imported."""
    walks: Mapping[str, Walk] = getattr(import_module(f"walks.{area}"), AREAS[area])
    return walks
