"""Rebuilds: the tables that this worker counts anew, one after the other."""

import asyncio
from typing import Any

from mode import Service

from dataflow.engine.engine import Engine
from dataflow.engine.partition import Partition
from dataflow.engine.rebuild import Rebuild
from dataflow.engine.state import Suspension
from dataflow.kafka.errors import KafkaError
from dataflow.logs import get_log

log = get_log(__name__)

RETRY_SECONDS = 1.0


class Rebuilds(Service):
    """Rebuilds what is suspended to be rebuilt: also what another worker had begun."""

    def __init__(self, engine: Engine, **service: Any) -> None:
        super().__init__(**service)
        self._engine = engine
        self._asked = asyncio.Event()

    async def begin(self, name: str, *, from_now: bool) -> list[str]:
        """Count a table anew in all partitions of this worker, from now on or from the begin; return these.

        From now on it counts nothing, until it has taken over.
        """
        sources = self._engine.topology.sources
        partitions = [
            p
            for p in self._engine.partitions.values()
            if any(table.name == name for table in sources[p.tp.topic].tables)
        ]
        for partition in partitions:
            partition.suspend(name, Suspension(f"{name} is being rebuilt", True, from_now))
        await self._engine.checkpoint()
        self._asked.set()
        return [f"{p.tp.topic}/{p.tp.partition}" for p in partitions]

    @Service.task
    async def _rebuild(self) -> None:
        while not self.should_stop:
            self._asked.clear()
            for partition in list(self._engine.partitions.values()):
                for name, suspension in list(partition.state.suspended.items()):
                    if suspension.is_rebuilding and not partition.must_write:
                        await self._rebuild_one(partition, name, suspension)
            try:
                async with asyncio.timeout(RETRY_SECONDS):
                    await self._asked.wait()
            except TimeoutError:
                continue

    async def _rebuild_one(self, partition: Partition, name: str, suspension: Suspension) -> None:
        source, tp = self._engine.topology.sources[partition.tp.topic], "/".join(map(str, partition.tp))
        table = next((table for table in source.tables if table.name == name), None)
        if table is None or not partition.is_open:
            return
        log.info("Table is being rebuilt.", table=name, counted_from=tp)
        try:
            rebuild = Rebuild(partition, source, table, self._engine.checkpoint)
            done = await rebuild.run(from_now=suspension.from_now)
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning(
                "Table cannot be rebuilt for now; trying again.",
                table=name,
                error=error,
                counted_from=tp,
            )
        except Exception as error:  # noqa: BLE001 - of an agent; ending the worker would begin it again
            log.error("Table cannot be rebuilt.", table=name, error=error, counted_from=tp)  # noqa: TRY400 - one line
            partition.suspend(name, Suspension(f"{name} could not be rebuilt: {error!r}"))
        else:
            if done:
                log.info("Table is rebuilt.", table=name, position=partition.position, counted_from=tp)
        await self._engine.checkpoint()
