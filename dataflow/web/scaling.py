"""Scaling: how many workers the cluster needs, measured by each that takes partitions, for an autoscaler."""

import time

from faust.types import TP
from mode import Service

from dataflow import metrics
from dataflow.app import app
from dataflow.engine.query import ReadEventCounts
from dataflow.engine.wanted_workers import Load, wanted_workers
from dataflow.kafka.errors import KafkaError
from dataflow.logs import get_log

log = get_log(__name__)

WANTED = metrics.gauge("dataflow_wanted_workers")

FIRST_SECONDS = 2.0
PERIOD_SECONDS = 15.0
MEASURED_CAPACITY = 25_000.0
"""Events a CPU second of the dearest stream as shipped (docs/benchmarks.md), until it is known better."""
BUSY = 0.2
"""Below this share of a CPU what a worker does beside its events would be taken for their cost."""
WEIGHT = 0.3
"""Of the newest measurement in the average."""


class CapacityMeter:
    """How many events a second this worker would do with a whole CPU."""

    def __init__(self) -> None:
        self.capacity = MEASURED_CAPACITY
        self._cpu, self._clock = time.process_time(), time.monotonic()
        self._received: dict[TP, int] = {}

    def measure(self, received: dict[TP, int], cpu: float, clock: float) -> None:
        """Take in what was received up to now of each partition, with how much CPU."""
        events = sum(count - self._received[tp] for tp, count in received.items() if tp in self._received)
        cpu_seconds, seconds = cpu - self._cpu, clock - self._clock
        self._received, self._cpu, self._clock = received, cpu, clock
        if seconds > 0 and cpu_seconds > BUSY * seconds and events > 0:
            self.capacity += WEIGHT * (events / cpu_seconds - self.capacity)


class Scaling(Service):
    """Looks at rate and lag of the whole cluster; says nothing while partitions are missing in the answer."""

    def __init__(self) -> None:
        super().__init__()
        self._meter = CapacityMeter()
        self._before: tuple[float, int] | None = None
        """When, and how many events all partitions had received."""

    @Service.task
    async def _look(self) -> None:
        pause = FIRST_SECONDS
        while not self.should_stop:
            await self.sleep(pause)
            try:
                await self._measure()
            except (KafkaError, OSError) as error:
                log.info("How many workers are needed is not known.", error=error)
            except RuntimeError:  # the session of its client is closed
                if not app.should_stop:
                    raise
            pause = FIRST_SECONDS if self._before is None else PERIOD_SECONDS

    async def _measure(self) -> None:
        own = {tp: partition.state.event_counts.received for tp, partition in app.engine.partitions.items()}
        self._meter.measure(own, time.process_time(), time.monotonic())
        topics = sorted(app.topology.sources)
        results = (await app.queries.query(topics, ReadEventCounts())).values()
        if not app.engine.lifecycle.is_running or any(result.missing for result in results):
            self._before = None
            return
        now = time.monotonic()
        received = sum(counts.received for result in results for counts in result.by_partition.values())
        before, self._before = self._before, (now, received)
        if before is None:
            return
        rate = max(received - before[1], 0) / (now - before[0])
        lag = sum(result.lag_records for result in results)
        load = Load(rate, lag, self._meter.capacity, app.settings.catch_up_seconds)
        partitions = max(app.topology.partition_counts[topic] for topic in topics)
        WANTED.set(wanted_workers(load, partitions))
