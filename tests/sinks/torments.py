"""Torments of a sink at work: workers, a server, a network in; each broken in its way, and mended, out."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from chaos.worker import Worker
from kafka_client import KafkaClient
from sinks.network import Network
from sinks.systems import CsvFolder, Mortal, System
from sinks.waiting import until

from dataflow.demo.broker.ports import free_port
from dataflow.sinks.status import SinkState, sink_statuses

PARTITIONS = 4
PIECES = 20  # a share of the records is sent in so many, so that it comes while the torment lasts
PIECE_SECONDS = 0.05
OUTAGE_TRIES = 500  # each takes a fifth of a second or more
HELD_UP_PACKETS = 20
SLOW_SECONDS = 120
SEED = int(os.environ.get("SINK_TEST_SEED", "1"))
"""Decides which worker is struck, and when."""


@dataclass
class Scene:
    """Two workers that share the partitions of a sink, what they store in, and what has been sent."""

    system: System
    client: KafkaClient
    network: Network | None
    environment: Mapping[str, str]
    folder: Path
    workers: list[Worker] = field(default_factory=list)
    sent: int = 0
    random: Random = field(default_factory=lambda: Random(SEED))
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def server(self) -> Mortal:
        """Return the server, of a system that has one."""
        assert self.system.server is not None
        return self.system.server

    @property
    def wire(self) -> Network:
        """Return the network, of a system that has one."""
        assert self.network is not None
        return self.network

    def add_worker(self) -> Worker:
        """Start one more worker."""
        name = f"worker-{len(self.workers)}"
        self.workers.append(Worker(self.folder / name, free_port(), self.environment).start())
        return self.workers[-1]

    async def send(self, records: int) -> None:
        """Send the next records, so many, a piece at a time."""
        step = -(-records // PIECES)
        async with self.sending:
            end = self.sent + records
            for start in range(self.sent, end, step):
                numbers = range(start, min(start + step, end))
                await asyncio.to_thread(self._send, numbers)
                self.sent = numbers.stop
                await asyncio.sleep(PIECE_SECONDS)

    def _send(self, numbers: range) -> None:
        for partition in range(PARTITIONS):
            its = [self.system.record(number) for number in numbers if number % PARTITIONS == partition]
            self.client.produce(self.system.topic, its, partition=partition)

    async def status(self) -> SinkState:
        """Return how the sink fares, as Kafka tells it."""
        connection = {"bootstrap_servers": self.client.address}
        topics = {self.system.sink: [self.system.topic]}
        [status] = await sink_statuses(connection, "dataflow", topics)
        return status

    async def wait(self, is_so: Callable[[SinkState], bool], what: str, seconds: float = 120) -> None:
        """Wait until the sink fares so."""
        try:
            async with asyncio.timeout(seconds):
                while not is_so(status := await self.status()):  # noqa: ASYNC110  # Kafka does it
                    await asyncio.sleep(0.1)
        except TimeoutError:
            tails = "\n".join(worker.tail() for worker in self.workers)
            raise AssertionError(f"{what} not within {seconds:g} s: {status}\n{tails}") from None

    async def wait_caught_up(self) -> None:
        """Wait until nothing is behind."""
        await self.wait(lambda status: status.workers > 0 and not status.lag.records, "caught up")

    async def wait_troubled(self) -> None:
        """Wait until an outage is told of; records come until then: a sink that has all of them sees none."""
        for _ in range(OUTAGE_TRIES):
            if (await self.status()).retrying_since is not None:
                return
            await self.send(PARTITIONS)
        await self.wait(lambda status: status.retrying_since is not None, "an outage", 1)


Torment = Callable[[Scene], Awaitable[None]]


async def kill_server(scene: Scene) -> None:
    """Kill it with -9; it is back when the outage has been noticed."""
    await asyncio.to_thread(scene.server.kill)
    await scene.wait_troubled()
    await asyncio.to_thread(scene.server.start)


async def slow_network(scene: Scene) -> None:
    """Every packet takes its time, each way, and more records come until there were enough packets.

    How many a record needs is the sink's affair: what is left of a share may need only a few.
    """
    enough = scene.wire.delayed_packets + HELD_UP_PACKETS
    scene.wire.delay_seconds = 0.02
    async with asyncio.timeout(SLOW_SECONDS):
        while scene.wire.delayed_packets < enough:
            await scene.send(PARTITIONS)
    scene.wire.delay_seconds = 0.0


async def cut_network(scene: Scene) -> None:
    """Reset connections, and refuse new ones."""
    await scene.wire.cut()
    await scene.wait_troubled()
    await scene.wire.start()


async def swallow(scene: Scene) -> None:
    """Send everything nowhere, until the connections break: nobody knows what has arrived."""
    before = scene.wire.swallowed_packets
    scene.wire.swallows = True
    await until(lambda: scene.wire.swallowed_packets > before)
    await scene.wire.cut()
    scene.wire.swallows = False
    await scene.wire.start()


async def kill_worker(scene: Scene) -> None:
    """Kill it with -9, wherever it is between writing and committing; it is back at once."""
    worker = scene.random.choice(scene.workers)
    worker.kill()
    worker.start()


async def freeze_worker(scene: Scene) -> None:
    """Stop a worker until the other one has its partitions, and go on as a zombie."""
    worker = scene.random.choice(scene.workers)
    worker.freeze()
    try:
        await scene.wait(lambda status: status.workers == len(scene.workers) - 1, "one worker less")
        if not scene.system.waits_for_the_frozen:
            await scene.wait_caught_up()
    finally:
        worker.wake()


async def join_and_leave(scene: Scene) -> None:
    """Another worker takes partitions in the midst of writing, and gives them back."""
    worker = scene.add_worker()
    await asyncio.to_thread(worker.wait_ready)
    scene.workers.remove(worker)
    assert await asyncio.to_thread(worker.stop) == 0, worker.tail()


async def stop_and_start(scene: Scene) -> None:
    """Stop all workers, the second soon after the first, and start them again."""
    for worker in scene.workers:
        await asyncio.to_thread(worker.wait_ready)  # one may have been killed a moment ago
    for worker in scene.workers:
        assert await asyncio.to_thread(worker.stop) == 0, worker.tail()
        await asyncio.sleep(scene.random.uniform(0, 1))
    for worker in scene.workers:
        worker.start()
        await asyncio.to_thread(worker.wait_ready)


async def fill_disk(scene: Scene) -> None:
    """Somebody else takes the last byte, and gives it back when the outage has been noticed."""
    assert isinstance(scene.system, CsvFolder)
    scene.system.fill()
    await scene.wait_troubled()
    assert "No space left on device" in ((await scene.status()).last_error or "")
    scene.system.make_room()


def torments_of(system: System) -> Sequence[Torment]:
    """Return all that can happen to a system."""
    always = [kill_worker, freeze_worker, stop_and_start, join_and_leave, kill_worker]
    if isinstance(system, CsvFolder):
        return [*always, *([fill_disk] if system.is_small else [])]
    network = [slow_network, cut_network, swallow]
    return [*([kill_server] * 2 if system.server else []), *network, *always]


async def torment(scene: Scene, records: int, how: Torment) -> None:
    """Do it at some instant while so many records come in; return when they are all stored."""
    feeding = asyncio.create_task(scene.send(records))
    try:
        moment = scene.sent + scene.random.randrange(1, records)  # the moment is the test
        await until(lambda: scene.sent >= moment, 120)
        await how(scene)
    finally:
        await feeding
    await scene.wait_caught_up()


async def all_stored(scene: Scene) -> list[int]:
    """Return the numbers that are stored, in order, once there are as many as were sent."""
    found = await asyncio.to_thread(scene.system.numbers)
    async with asyncio.timeout(60):
        while len(found) < scene.sent:  # what waits in objects that still grow is put there soon
            await asyncio.sleep(0.2)
            found = await asyncio.to_thread(scene.system.numbers)
    return sorted(found)
