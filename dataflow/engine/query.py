"""Queries: any worker asks the owners of all partitions and says what is missing and how far behind it is."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import aiohttp
import faust
import msgspec

from dataflow.engine.engine import Engine
from dataflow.engine.partition import Partition
from dataflow.logs import get_log

log = get_log(__name__)

QUERY_PATH = "/_query"
"""Where a worker answers for its own partitions: `PARTS_PATH/<topic>?read=<name>&...`, msgpack."""

encode = msgspec.msgpack.encode


class PartitionResult(msgspec.Struct, array_like=True):
    """What the owner of one partition says of it.

    `lag_records` counts what the partition holds and the owner has not finished;
    `last_record_ms` is the record timestamp of what it finished last, 0 for nothing yet.
    """

    partition: int
    generation: int
    lag_records: int
    last_record_ms: int
    content: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Answer:
    """The parts that came in time, by partition, and the partitions of which none did."""

    parts: Mapping[int, msgspec.Raw]
    missing: list[int]
    lag_records: int = 0
    lag_seconds: float = 0.0

    @property
    def answered(self) -> list[int]:
        """The partitions that are in the answer."""
        return sorted(self.parts)


Handler = Callable[[Partition, Mapping[str, str]], object]
"""Reads something msgpack-able from a partition, given the request's parameters."""


@dataclass(slots=True)
class Queries:
    """The questions that workers of this app answer for one another."""

    app: faust.App
    engine: Engine
    handlers: dict[str, Handler] = field(default_factory=dict)

    def local(self, topic: str, read: str, parameters: Mapping[str, str]) -> list[PartitionResult]:
        """Return the parts of this worker's own partitions of `topic`."""
        consumer, generation = self.app.consumer, self.app.consumer_generation_id
        parts = []
        for tp, partition in self.engine.partitions.items():
            if tp.topic == topic:
                lag = max((consumer.highwater(tp) or 0) - partition.position, 0)
                content = encode(self.handlers[read](partition, parameters))
                parts.append(
                    PartitionResult(
                        tp.partition, generation, lag, partition.last_record_ms, msgspec.Raw(content)
                    )
                )
        return parts

    async def query(self, topic: str, read: str, parameters: Mapping[str, str]) -> Answer:
        """Ask all owners in parallel, within the deadline; never raises for one that does not answer."""
        here = str(self.app.conf.canonical_url).rstrip("/")
        owners = self.app.router.external_topics_metadata()  # {url: {topic: [partitions]}}
        others = {url.rstrip("/") for url, topics in owners.items() if topics.get(topic)} - {here}
        own = self.local(topic, read, parameters)
        asked = [self._query_one(url, topic, read, parameters) for url in others]
        found = [own, *await asyncio.gather(*asked)]
        return self._answer(topic, [part for parts in found for part in parts])

    def _answer(self, topic: str, parts: Iterable[PartitionResult]) -> Answer:
        newest: dict[int, PartitionResult] = {}
        for part in sorted(parts, key=lambda part: part.generation):
            newest[part.partition] = part  # a zombie still claims what a later generation owns
        every = range(self.engine.topology.partition_counts[topic])
        lag = [part for part in newest.values() if part.lag_records]
        oldest = min((part.last_record_ms for part in lag if part.last_record_ms), default=0)
        return Answer(
            {number: part.content for number, part in newest.items()},
            sorted(set(every) - set(newest)),
            sum(part.lag_records for part in lag),
            round(max(time.time() - oldest / 1000, 0.0), 3) if oldest else 0.0,
        )

    async def _query_one(
        self, url: str, topic: str, read: str, parameters: Mapping[str, str]
    ) -> list[PartitionResult]:
        try:
            async with (
                asyncio.timeout(self.engine.options.query_seconds),
                self.app.http_client.get(
                    f"{url}{QUERY_PATH}/{topic}", params={**parameters, "read": read}
                ) as response,
            ):
                if response.status == 200:
                    return msgspec.msgpack.decode(await response.read(), type=list[PartitionResult])
                log.info(
                    "Worker has refused a query; its partitions are missing.", url=url, status=response.status
                )
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError) as error:
            log.info("Worker does not answer; its partitions are missing.", url=url, error=error)
        return []
