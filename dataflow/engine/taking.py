"""Taking partitions: an assignment in, where to read on and what was counted so far out."""

import logging
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from aiokafka.structs import TopicPartition
from faust.types import TP

from dataflow.engine.offsets import UnstableOffsetCommit, last_committers, stable_offsets
from dataflow.engine.options import Delivery
from dataflow.engine.partition import State
from dataflow.engine.restore import restore
from dataflow.errors import Misconfigured

if TYPE_CHECKING:
    from dataflow.engine.engine import Engine

log = logging.getLogger(__name__)

UNSTABLE_SECONDS = 1.0  # then the last committer's transaction is ended for it
STABLE_SECONDS = 50.0

Kept = Mapping[TP, tuple[int, State]]
"""Committed offset and state of partitions that we had before the last rebalance."""


async def take_over(engine: "Engine", tps: Collection[TP], kept: Kept) -> dict[TP, tuple[int, State]]:
    """Return the position and state of each partition, after every open transaction on it has ended.

    What was kept is right if the committed offset is still where we left it: tables and
    offsets move in one transaction. The rest is read from the changelogs.
    """
    committed = await _committed(engine, tps)
    still = {tp: state for tp, (at, state) in kept.items() if committed.get(tp) == at}
    names = {topic: source.changelog for topic, source in engine.sources.items()}
    restored = await restore(
        [TopicPartition(*tp) for tp in tps if tp not in still],
        names,
        lambda topic: engine.sources[topic].tables,
        engine.options.connection,
        lambda stuck: _evict(engine, stuck),
    )
    states = {tp: still.get(tp) or restored[TopicPartition(*tp)] for tp in tps}
    log.info("Took %d partitions, %d of them kept.", len(states), len(still))
    positions = {tp: _resume_at(engine, tp, committed[tp], states[tp]) for tp in tps}
    fresh = [tp for tp, position in positions.items() if position is None]
    earliest = await engine.app.batch_consumer.earliest_offsets(*fresh) if fresh else {}
    return {tp: (earliest[tp] if at is None else at, states[tp]) for tp, at in positions.items()}


async def _committed(engine: "Engine", tps: Collection[TP]) -> dict[TP, int | None]:
    """Return committed offsets; None where there is none."""
    if not tps:
        return {}
    if engine.options.delivery is not Delivery.EXACTLY_ONCE:
        found = await engine.app.batch_consumer.seek_to_committed()
        return {tp: found.get(tp) for tp in tps}
    group, kafka_tps = engine.app.conf.id, [TopicPartition(*tp) for tp in tps]
    client = engine.producing.current.client
    try:
        offsets = await stable_offsets(client, group, kafka_tps, UNSTABLE_SECONDS)
    except UnstableOffsetCommit:
        await _evict(engine, kafka_tps)
        offsets = await stable_offsets(client, group, kafka_tps, STABLE_SECONDS)
    return {tp: at if (at := offsets[TopicPartition(*tp)]) >= 0 else None for tp in tps}


async def _evict(engine: "Engine", tps: Collection[TopicPartition]) -> None:
    """End the transaction of whoever committed these partitions last: it is dead, or no member any more."""
    if engine.options.delivery is not Delivery.EXACTLY_ONCE:
        return
    producing = engine.producing
    ids = await last_committers(producing.current.client, engine.app.conf.id, tps)
    for transactional_id in ids - {"", producing.transactional_id}:
        await producing.end_transaction_of(transactional_id)


def _resume_at(engine: "Engine", tp: TP, committed: int | None, state: State) -> int | None:
    """Return where to read on, None for the beginning; refuse offsets that do not fit the tables."""
    counted = state.position
    if counted is None:
        return committed
    if committed is None or committed == counted:
        return counted  # without an offset (it expires) the changelog still knows
    if engine.options.delivery is not Delivery.EXACTLY_ONCE and counted > committed:
        log.warning(
            "Up to %d events of %s/%d from before the crash are written and counted again (at_least_once).",
            counted - committed,
            *tp,
        )
        return committed
    raise Misconfigured(
        f"committed offset of {tp.topic}/{tp.partition} is {committed}; expected {counted}, up to which its "
        f"tables have counted. It was moved by hand: move it back, or delete the topic "
        f"{engine.sources[tp.topic].changelog} to count anew from the offset"
    )
