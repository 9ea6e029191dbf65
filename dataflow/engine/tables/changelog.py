"""Changelog records of a table: their keys, and the version of their format.

| key | value |
|---|---|
| `table|window|start|key` | the entry of a key |
| `table|window/aggregation|start|key` | a spilled state of the entry |
| `table|window:sealed|start|number` | a chunk of a sealed window; entries hide what it holds of their keys |
| `table|event_time` | the event-time state, with the version of the format |

Starts are in ms since 1970 UTC. Names of windows and aggregations have neither `/` nor `:`.
"""

from typing import Final, TypeAlias

from dataflow.errors import Misconfigured

ChangelogRecord: TypeAlias = tuple[bytes, bytes | None]
"""Key and value; None deletes the key."""

SEALED: Final = ":sealed"
CHUNK: Final = f"{SEALED}|".encode()
"""What the keys of chunks hold."""

FORMAT_VERSION: Final = 1
"""The latest that is read, and written once all members of the group read it.

In version 0 there were no sealed windows, and every window held every row.
"""

OLDEST_WRITTEN: Final = 1
"""The earliest that this release can still write, for members of the releases before."""


class NewerFormat(Misconfigured):
    """A changelog is of a later release."""

    def __init__(self, subject: str, version: int) -> None:
        super().__init__(
            f"changelog of {subject} has format {version}; expected at most {FORMAT_VERSION} "
            "(a newer release has written it: start that one, or delete the changelog and rebuild its tables)"
        )


def entry_key(prefix: str, start: int, key: str) -> bytes:
    """Return the changelog key of an entry; `prefix` is that of its window size."""
    return f"{prefix}|{start}|{key}".encode()


def prefix_of(table: str, window: str) -> str:
    """Return what the changelog keys of entries begin with."""
    return f"{table}|{window}"


def spilled_prefix(prefix: str, aggregation: str) -> str:
    """Return what the changelog keys of an aggregation's spilled states begin with."""
    return f"{prefix}/{aggregation}"


def sealed_prefix(prefix: str) -> str:
    """Return what the changelog keys of chunks begin with."""
    return prefix + SEALED


def event_time_key(table: str) -> bytes:
    """Return the changelog key of the event-time state."""
    return f"{table}|event_time".encode()


def event_time_key_0(table: str) -> bytes:
    """Return the changelog key of the event-time state in version 0."""
    return f"{table}|progress".encode()
