"""Format check: a worker does not join members that cannot read what it would write to changelogs."""

import asyncio
from collections.abc import Collection, Iterable, Iterator
from time import monotonic

from dataflow.engine.member_data import member_data
from dataflow.engine.tables.changelog import OLDEST_WRITTEN
from dataflow.errors import Misconfigured
from dataflow.kafka.admin import Admin
from dataflow.kafka.group_members import GroupMember
from dataflow.logs import get_log

log = get_log(__name__)

POLL_SECONDS = 0.5


async def check_formats(admin: Admin, group: str, session_seconds: float, rebalance_seconds: float) -> None:
    """Raise `Misconfigured` if a member is of too early a release, and has not left within a session.

    Amid a rebalance nobody knows the members; its end is waited for, up to `rebalance_seconds`.
    """
    begun, is_told = monotonic(), False
    while refusal := next(_refusals(group, await _members(admin, group, rebalance_seconds)), None):
        if monotonic() - begun > session_seconds:
            raise Misconfigured(refusal)
        if not is_told:
            log.warning("Waiting whether a member leaves.", reason=refusal)
            is_told = True
        await asyncio.sleep(POLL_SECONDS)


async def _members(admin: Admin, group: str, rebalance_seconds: float) -> Collection[GroupMember]:
    deadline = monotonic() + rebalance_seconds
    while (members := await admin.members(group)) is None and monotonic() < deadline:  # noqa: ASYNC110 - a broker's
        await asyncio.sleep(POLL_SECONDS)
    return members or ()


def _refusals(group: str, members: Iterable[GroupMember]) -> Iterator[str]:
    for member in members:
        other = member_data(member.user_data)
        reads = other.format_of(member.version)
        if reads < OLDEST_WRITTEN:
            yield (
                f"group {group} has a worker of an earlier release at {other.url} ({member.client_host}), "
                f"which reads changelogs up to format {reads}; expected format {OLDEST_WRITTEN} or later, as "
                "this one writes no earlier: stop all workers of that release first (docs/upgrading.md)"
            )
