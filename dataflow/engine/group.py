"""The group: what the engine asks of this worker's membership in its consumer group."""

from collections.abc import Mapping
from typing import Protocol

from faust.types import TP

from dataflow.kafka.offset_commit import GroupMetadata


class Group(Protocol):
    """A member of a consumer group; the worker's consumer is one."""

    @property
    def group_metadata(self) -> GroupMetadata | None:
        """Generation and member id of the last assignment; None before the first."""

    @property
    def changelog_format(self) -> int:
        """What is written to changelogs: the latest format that all members read."""

    @property
    def is_joining(self) -> bool:
        """Tell whether a rebalance is under way, at whose end partitions are assigned."""

    @property
    def has_coordinator(self) -> bool:
        """Tell whether the group's coordinator answers."""

    async def refresh_topics(self) -> None:
        """Have the group join again if a topic that it reads has come, gone or grown."""

    def stable_end(self, tp: TP) -> int:
        """Return up to where a partition can be read, as far as its last fetch knows; 0 before the first."""

    def last_end(self, tp: TP) -> int:
        """Return where a partition ends, with what open transactions hold up; 0 before the first fetch."""

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Return the first offset that the broker still has of each partition."""

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Move positions, and return when nothing that was fetched before can come any more."""
