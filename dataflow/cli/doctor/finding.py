"""Finding: what a check has found, what was expected, and what to do."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataflow.kafka.admin import Admin
    from dataflow.settings import Settings


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    check: str
    level: Level
    found: str
    expected: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """What is looked at."""

    settings: "Settings"
    role: str
    """Whose rights are checked."""
    connection: dict[str, object]
    admin: "Admin"


Check = Callable[[Examined], AsyncIterator[Finding]]
"""Yields what it finds; what it raises is a finding, too."""


def ok(check: str, found: str) -> Finding:
    """Return that something is as it has to be."""
    return Finding(check, Level.OK, found)


def warning(check: str, found: str, expected: str, remedy: str) -> Finding:
    """Return that something works, and should be looked at."""
    return Finding(check, Level.WARNING, found, expected, remedy)


def error(check: str, found: str, expected: str, remedy: str) -> Finding:
    """Return that something does not work, or will not for long."""
    return Finding(check, Level.ERROR, found, expected, remedy)
