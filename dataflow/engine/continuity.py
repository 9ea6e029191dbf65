"""Continuity: a position and the records that were fetched for it in; whether they go on from there out."""

import logging
from typing import TYPE_CHECKING

from faust.types import TP

from dataflow.engine.fetch import Fetched
from dataflow.engine.partition import Partition
from dataflow.errors import DataflowError, Misconfigured

if TYPE_CHECKING:
    from dataflow.engine.engine import Engine

log = logging.getLogger(__name__)


class RecordsPassedOver(DataflowError):
    """Records were not handed out: a bug of ours."""


async def goes_on(engine: "Engine", partition: Partition, fetched: Fetched) -> bool:
    """Tell whether records may be handed out; say which ones the broker no longer had.

    A topic that begins anew stops the worker: its tables counted another one.
    """
    missing, tp = fetched.first - partition.delivered, partition.tp
    if not missing:
        return True
    where = f"{tp.topic}/{tp.partition} goes on at offset {fetched.first}; expected {partition.delivered}"
    earliest = (await engine.app.batch_consumer.earliest_offsets(TP(*tp)))[TP(*tp)]
    if missing < 0:
        engine.on_bug(
            Misconfigured(
                f"{where}. The topic was deleted and made anew: delete the topic "
                f"{engine.sources[tp.topic].changelog} and the group {engine.app.conf.id}, too"
            )
        )
    elif earliest <= partition.delivered:
        engine.on_bug(RecordsPassedOver(f"{where}, which the broker still has"))
    else:
        log.error(
            "Records %d to %d of %s/%d were deleted before they were read (retention).",
            partition.delivered,
            fetched.first - 1,
            *tp,
        )
        return True
    return False
