"""A promise: what was measured, what is promised, and whether it holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MIB = 1 << 20


@dataclass(frozen=True)
class Promise:
    """One line of the report; targets are judged by `figures`, whose names are the same in every run."""

    name: str
    measured: str
    promised: str
    holds: bool
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Sizes:
    """How much each measurement takes."""

    latency_seconds: float
    query_events: int
    changelog_entries: int
    ingest_seconds: float
    trial_lines: int
    generated_events: int
