"""Figures: what was measured of each stream, in one file with where it is from."""

from importlib.resources import files
from typing import Annotated

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]


class Reserve(msgspec.Struct, forbid_unknown_fields=True):
    """How much more is reckoned with than was measured."""

    worker_core_used: Positive
    broker_core_used: Positive
    memory_factor: Positive
    changelog_factor: Positive
    recovery_factor: Positive


class WorkerFigures(msgspec.Struct, forbid_unknown_fields=True):
    """A worker, whatever it reads."""

    rest_mib: Positive
    in_flight_factor: Positive


class RecoveryFigures(msgspec.Struct, forbid_unknown_fields=True):
    """How fast a changelog is read."""

    row: str
    entries_per_second: Positive


class IngestFigures(msgspec.Struct, forbid_unknown_fields=True):
    """What a line costs that comes by HTTP."""

    row: str
    cpu_us: Positive


class PartitionFigures(msgspec.Struct, forbid_unknown_fields=True):
    """How many partitions are sensible."""

    spare_factor: int
    most: int


class StreamFigures(msgspec.Struct, forbid_unknown_fields=True):
    """What an event of a stream costs, all outputs and tables as shipped."""

    row: str
    cpu_us: Positive
    broker_cpu_us: Positive
    changelog_entries: Positive
    changelog_entry_bytes: Positive


class Figures(msgspec.Struct, forbid_unknown_fields=True):
    """All of them."""

    reserve: Reserve
    worker: WorkerFigures
    recovery: RecoveryFigures
    ingest: IngestFigures
    partitions: PartitionFigures
    streams: dict[str, StreamFigures]


def measured_figures() -> Figures:
    """Return what the file holds."""
    text = files(__package__).joinpath("figures.toml").read_bytes()
    return msgspec.toml.decode(text, type=Figures)
