"""The simulator: one worker of the cluster sends analytics events at an interval."""

import asyncio
import random
from collections.abc import Mapping
from uuid import uuid4

import orjson
from mode import Service

from dataflow.audit import AuditedAction, write_audit
from dataflow.catalogue.declared import EVENTS_SIMULATION
from dataflow.catalogue.streams.analytics_events import ANALYTICS_EVENTS
from dataflow.http_error import HttpError, broker_unavailable
from dataflow.instants import iso, now_ms
from dataflow.kafka.errors import KafkaError
from dataflow.kafka.types import TopicPartition
from dataflow.logs import get_log
from dataflow.sources.batching_producer import BatchingProducer
from dataflow.sources.lease import BEAT_SECONDS, Action, LeaseLog, LeaseRecord, open_lease_log
from dataflow.stages.analytics_event import EVENT_TYPES

log = get_log(__name__)

LOG = TopicPartition(EVENTS_SIMULATION.name, 0)
DEVICES = 100
ANSWER_SECONDS = 20.0


class Simulator(Service):
    """This worker's part: it runs the simulation that was started here, until anybody stops it."""

    def __init__(self, connection: Mapping[str, object], producer: BatchingProducer) -> None:
        super().__init__()
        self._connection = connection
        self._producer = producer
        self._running: asyncio.Task[None] | None = None

    async def begin(self, interval_seconds: float, author: str) -> bool:
        """Start a simulation; return False if one runs anywhere. Raises `HttpError` without Kafka."""
        await self._note(author, AuditedAction.START_SIMULATION, interval_seconds)
        begun: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._simulate(interval_seconds, begun))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await asyncio.wait((task, begun), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            task.cancel()
            raise _away() from None
        if not begun.done():  # the task has failed
            raise _away()
        if begun.result():
            self._running = task
        return begun.result()

    async def _note(self, author: str, action: AuditedAction, interval_seconds: float | None = None) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await write_audit(self._connection, author, action, interval_seconds=interval_seconds)
        except (KafkaError, OSError, TimeoutError) as error:
            raise _away() from error

    async def end(self, author: str) -> bool:
        """Stop the simulation, wherever it runs; return False if there is none."""
        await self._note(author, AuditedAction.STOP_SIMULATION)
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                open_lease_log(self._connection, LOG) as simulation_log,
            ):
                return await simulation_log.append(LeaseRecord(Action.STOP, ""))
        except (KafkaError, OSError, TimeoutError) as error:
            raise _away() from error

    async def on_stop(self) -> None:
        """Stop what runs here."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait((self._running,))

    async def _simulate(self, interval_seconds: float, begun: asyncio.Future[bool]) -> None:
        name = uuid4().hex
        try:
            async with open_lease_log(self._connection, LOG) as simulation_log:
                begun.set_result(await simulation_log.append(LeaseRecord(Action.START, name)))
                if begun.result():
                    await self._run(simulation_log, name, interval_seconds)
        except (KafkaError, OSError) as error:
            log.warning("Simulation has ended, for Kafka is away.", error=error)
        except Exception as error:  # noqa: BLE001 - nobody awaits this task
            await self.crash(error)

    async def _run(self, simulation_log: LeaseLog, name: str, interval_seconds: float) -> None:
        log.info("Simulation begins.", interval_seconds=interval_seconds)
        events = asyncio.create_task(self._send_events(interval_seconds))
        try:
            while simulation_log.state.holder == name:
                await simulation_log.append(LeaseRecord(Action.BEAT, name))
                await simulation_log.follow(BEAT_SECONDS)
                if events.done():
                    events.result()  # raises what has ended it
        except asyncio.CancelledError:
            await simulation_log.append(LeaseRecord(Action.STOP, name))
            raise
        finally:
            events.cancel()
            log.info("Simulation has ended.")

    async def _send_events(self, interval_seconds: float) -> None:
        while True:
            at_ms = now_ms()
            event = simulated_event(at_ms)
            try:
                self._producer.put(ANALYTICS_EVENTS.name, [(at_ms, None, event, [])], len(event))
            except HttpError as refusal:
                log.warning("Simulated event is lost.", error=refusal)
            await asyncio.sleep(interval_seconds)


def simulated_event(at_ms: int) -> bytes:
    """Return an event of one of a hundred devices."""
    return orjson.dumps(
        {
            "device_id": f"simulated-{random.randrange(DEVICES):02}",
            "event_type": random.choice(EVENT_TYPES),
            "created_on": iso(at_ms),
        }
    )


def _away() -> HttpError:
    return broker_unavailable("Kafka has not answered in time; expected it back in a moment")
