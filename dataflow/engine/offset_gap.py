"""Offset gaps: whether the records that were fetched follow those before."""

from faust.types import TP

from dataflow.engine.group import Group
from dataflow.engine.partition import Partition
from dataflow.errors import DataflowError, Misconfigured
from dataflow.kafka.fetch import Fetched
from dataflow.logs import get_log

log = get_log(__name__)


class RecordsSkipped(DataflowError):
    """Records were not handed out: a bug of ours."""


async def check_offset_gap(
    group: Group, group_id: str, changelog: str, partition: Partition, fetched: Fetched
) -> None:
    """Log which records the broker no longer had.

    Raises `Misconfigured` for a topic that begins anew, as its tables counted another one,
    and `RecordsSkipped` if the broker still has what is missing.
    """
    missing, tp = fetched.first - partition.delivered, partition.tp
    if not missing:
        return
    gap = f"{tp.topic}/{tp.partition} goes on at offset {fetched.first}; expected {partition.delivered}"
    if missing < 0:
        raise Misconfigured(
            f"{gap}. The topic was deleted and made anew: delete the topic {changelog} "
            f"and the group {group_id}, too"
        )
    earliest = (await group.earliest_offsets(TP(*tp)))[TP(*tp)]
    if earliest <= partition.delivered:
        raise RecordsSkipped(f"{gap}, which the broker still has")
    log.error(
        "Records were deleted before they were read (retention).",
        topic=tp.topic,
        partition=tp.partition,
        first_offset=partition.delivered,
        last_offset=fetched.first - 1,
    )
