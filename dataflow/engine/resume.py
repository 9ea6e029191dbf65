"""Resume: reads a partition again that its stream's pause had let go, beside others that never stop."""

from dataflow.engine.assignment import Assignment
from dataflow.engine.group import Group


async def reopen(assignment: Assignment, group: Group, topic: str) -> None:
    """Hand out again what these partitions had not finished; all that they had is committed.

    Others keep what they have. Without effect once the partitions are revoked.
    """
    let_go = {tp: p for tp, p in assignment.partitions.items() if tp.topic == topic and not p.is_open}
    if not let_go:
        return
    session = assignment.interrupt_fetches()
    await group.seek_wait({tp: partition.position for tp, partition in let_go.items()})
    if session == assignment.session:
        assignment.partitions |= {tp: partition.renewed() for tp, partition in let_go.items()}
