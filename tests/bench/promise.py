"""A promise: what was measured, what is promised, and whether it holds."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Promise:
    """One line of the report."""

    name: str
    measured: str
    promised: str
    holds: bool


@dataclass(frozen=True)
class Sizes:
    """How much each measurement takes."""

    latency_seconds: float
    query_events: int
    changelog_entries: int
    ingest_seconds: float
    trial_lines: int
    generated_events: int
