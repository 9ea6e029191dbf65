"""Resume: a stream that has paused goes on, beside others that never stop."""

from contextlib import suppress

from dataflow.engine.engine import Engine
from dataflow.kafka.errors import IllegalStateError


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
