"""Resume: a stream that has paused goes on, beside others that never stop."""

import asyncio
from contextlib import suppress

from faust.types import TP

from dataflow.engine.engine import Engine
from dataflow.engine.partition import Partition
from dataflow.engine.pauses import PauseCause
from dataflow.engine.truncation import to_go_on_at
from dataflow.kafka.errors import IllegalStateError

POLL_SECONDS = 0.05


async def pause_begun_anew(engine: Engine, partition: Partition, first: int, detail: str) -> None:
    """Pause the stream of a partition whose log begins anew, once all that was read of it is committed.

    When the stream goes on it is read from `first`.
    """
    tp = TP(*partition.tp)
    while engine.partitions.get(tp) is partition and partition.committed < partition.delivered:
        if partition.position == partition.delivered:
            await engine.checkpoint()
        await asyncio.sleep(POLL_SECONDS)
    if engine.partitions.get(tp) is not partition:
        return  # revoked, or recovered: the next fetch tells it again
    engine.pauses.begin(tp.topic, PauseCause.TOPIC_MADE_ANEW, detail, to_go_on_at(tp.topic, first))
    partition.let_go()
    engine.partitions[tp] = begun = partition.renewed(first)
    begun.is_open = False


async def resume(engine: Engine, topic: str) -> bool:
    """Go on with a paused stream, whose dead letters are accepted now; tell whether it was paused."""
    pause = engine.pauses.get(topic)
    if pause is None:
        return False
    while engine.lifecycle.is_running and any(p.tp.topic == topic for p in engine.assignment.uncommitted()):
        await engine.checkpoint()
    if engine.lifecycle.is_running:  # else recovery opens them
        with suppress(IllegalStateError):  # revoked meanwhile
            await _reopen(engine, topic)
    if engine.pauses.get(topic) is not pause:
        return False  # somebody else was quicker
    engine.pauses.end(topic)
    await engine.checkpoint()  # it may be read from elsewhere now
    return True


async def _reopen(engine: Engine, topic: str) -> None:
    """Hand out again what partitions had not finished when they were let go; all that they had is committed.

    Others keep what they have. Without effect once the partitions are revoked.
    """
    assignment = engine.assignment
    let_go = {tp: p for tp, p in assignment.partitions.items() if tp.topic == topic and not p.is_open}
    if not let_go:
        return
    session = assignment.interrupt_fetches()
    await engine.group.seek_wait({tp: partition.position for tp, partition in let_go.items()})
    if session == assignment.session:
        assignment.partitions |= {tp: partition.renewed() for tp, partition in let_go.items()}
