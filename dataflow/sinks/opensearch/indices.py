"""Indices: their names, by the day of the event, and fewer of them the longer ago that was."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from dataflow.catalogue.topic import DAY_MS
from dataflow.errors import Misconfigured
from dataflow.instants import datetime_of

_PREFIX = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")

DAILY_MS = 7 * DAY_MS
"""An event that came no later has the index of its day …"""
MONTHLY_MS = 3 * 366 * DAY_MS
"""… one that came no later than this the index of its month, and all others share one."""


def index_name(prefix: str, at_ms: int, arrived_ms: int) -> str:
    """Return the index of an event, by its time and that of its arrival; in ms, UTC.

    Every index costs the cluster memory, and it takes only so many: whatever times events have, there are at
    most nine for days, 38 for months and one more, beside those that time itself brings. The record alone
    decides, so that a repeated write finds its document.
    """
    late_ms = arrived_ms - at_ms
    if late_ms > MONTHLY_MS:
        return f"{prefix}-{_OVERFLOW}"
    return f"{prefix}-{_date(at_ms // DAY_MS, '%Y.%m.%d' if late_ms <= DAILY_MS else '%Y.%m')}"


@lru_cache(maxsize=4_096)  # events have few days
def _date(day: int, form: str) -> str:
    return f"{datetime_of(day * DAY_MS):{form}}"


_OVERFLOW = "overflow"


def overflow_index(index: str) -> str:
    """Return the one index of a prefix for what has no other, given any index of that prefix."""
    return f"{index.rpartition('-')[0]}-{_OVERFLOW}"


def instant(at_ms: int) -> str:
    """Return an instant in ms as documents hold it: ISO 8601, UTC, always with milliseconds."""
    return datetime_of(at_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_indices(declared: Iterable[str]) -> Mapping[str, str]:
    """Return the prefix for each topic; raise `Misconfigured` for what is not ``topic=prefix``."""
    indices = {}
    for part in declared:
        topic, _, prefix = part.partition("=")
        if not topic or not _PREFIX.fullmatch(prefix):
            raise Misconfigured(
                f"DATAFLOW_OPENSEARCH_INDICES has {part!r}; expected topic=prefix, "
                f"and a prefix that matches {_PREFIX.pattern}"
            )
        indices[topic] = prefix
    if not indices:
        raise Misconfigured("DATAFLOW_OPENSEARCH_INDICES is empty; expected topic=prefix[,...]")
    return indices
