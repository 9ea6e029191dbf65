"""Came back: which of the letters that were replayed have become dead letters again.

A dead letter and the offset of its record are committed together: as soon as the workers have committed
all that was sent back, each of those that failed again can be read.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping

from dataflow.catalogue.declared import STREAMS
from dataflow.dead_letters.letter_reader import LetterReader, letter_reader
from dataflow.dead_letters.selection import ReplayResult
from dataflow.engine.sibling_groups import siblings_of
from dataflow.kafka.admin import Admin
from dataflow.kafka.clients import running
from dataflow.kafka.consumers import reader
from dataflow.kafka.types import TopicPartition

POLL_SECONDS = 0.25


async def replay_and_watch(
    connection: Mapping[str, object], app_id: str, seconds: float, work: Callable[[], Awaitable[ReplayResult]]
) -> ReplayResult:
    """Do the `work` of a replay; note in its result which letters came back within so many seconds.

    None where the workers have not read all of them in time, or where no worker reads their topics.
    """
    if not seconds:
        return await work()
    async with letter_reader(connection) as letters:
        begins = await letters.ends()
    result = await work()
    read_by_workers = result.topics.keys() & {stream.topic for stream in STREAMS}
    if not read_by_workers:
        return result
    try:
        async with asyncio.timeout(seconds):
            await _wait_read(connection, app_id, read_by_workers)
    except TimeoutError:
        return result
    async with letter_reader(connection) as letters:
        if begins.keys() == (await letters.ends()).keys():  # else one has lost its leader, or got one
            result.came_back = await _failed_again(letters, begins, result.topics)
    return result


async def _wait_read(connection: Mapping[str, object], app_id: str, topics: Collection[str]) -> None:
    """Return when the workers of an app have committed what these topics hold now."""
    async with running(Admin(connection)) as admin, reader(connection) as consumer:
        partitions = await admin.partitions(topics)
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        filled = {tp: end for tp, end in ends.items() if end > begins[tp]}
        while await _are_unread(admin, app_id, filled):  # noqa: ASYNC110  # the broker tells nobody
            await asyncio.sleep(POLL_SECONDS)


async def _are_unread(admin: Admin, app_id: str, ends: Mapping[TopicPartition, int]) -> bool:
    committed: dict[TopicPartition, int] = {}
    for group in [app_id, *siblings_of(app_id, app_id, await admin.groups())]:
        for tp, noted in (await admin.committed(group)).items():
            committed[tp] = max(noted.offset, committed.get(tp, 0))
    # The last record is the broker's own: that the transaction of the replay has ended.
    return any(end - 1 > committed.get(tp, 0) for tp, end in ends.items())


async def _failed_again(
    letters: LetterReader, begins: Mapping[int, int], topics: Collection[str]
) -> dict[str, int]:
    reasons = Counter[str]()
    async for letter in letters.since(begins):
        if letter.tries and letter.topic in topics:
            reasons[letter.reason] += 1
    return dict(reasons)
