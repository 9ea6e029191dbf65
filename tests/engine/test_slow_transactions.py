"""A broker that is slow to end transactions: the next begins when it can, and nobody asks it to death."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
from harness.relay import Names, events, numbers_in, relay, running, until
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.ports import HOST, free_port
from dataflow.kafka.offset_commit import AddOffsetsToTxnHandler

pytestmark = pytest.mark.long

SLOW_SECONDS = 0.6
AWAY_SECONDS = 6.0
EACH_ROUND = 20


@dataclass
class Within:
    """The way by which brokers reach one another: the ends of transactions go it, also to the same broker."""

    port: int
    inner: int
    seconds: float = 0.0
    """What an answer takes longer."""
    connections: set[asyncio.StreamWriter] = field(default_factory=set)

    async def open(self) -> None:
        """Let connections through."""
        self.server = await asyncio.start_server(self._connect, HOST, self.port)

    def cut(self) -> None:
        """End all connections, and refuse others."""
        self.server.close()
        for writer in self.connections:
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(HOST, self.inner)
        self.connections |= {writer, back}
        await asyncio.gather(self._pass(reader, back, 0.0), self._pass(there, writer, None))

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wait: float | None
    ) -> None:
        try:
            while some := await reader.read(65_536):
                await asyncio.sleep(self.seconds if wait is None else wait)
                writer.write(some)
        except OSError:
            pass
        finally:
            self.connections.discard(writer)
            writer.close()


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    """Return free ports for a broker, and for the way to itself."""
    return {name: free_port() for name in ("outside", "within", "inner", "control")}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int]) -> Iterator[EmbeddedBroker]:
    """Return a broker that reaches itself by another way than its clients."""
    outside, control = f"PLAINTEXT://{HOST}:{ports['outside']}", f"{HOST}:{ports['control']}"
    properties = {
        "listeners": f"{outside},WITHIN://{HOST}:{ports['inner']},CONTROLLER://{control}",
        "advertised.listeners": f"{outside},WITHIN://{HOST}:{ports['within']}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,WITHIN:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "WITHIN",
        "controller.quorum.voters": f"1@{control}",
        "group.min.session.timeout.ms": 1000,
    }
    broker = EmbeddedBroker(tmp_path_factory.mktemp("slow"), ports["outside"], properties=properties)
    broker.start()
    broker.wait_ready()
    yield broker
    broker.kill()


@pytest.fixture(scope="module")
def kafka(broker: EmbeddedBroker) -> KafkaClient:
    """Return a client of this broker."""
    return KafkaClient(broker.address)


@pytest.fixture
async def within(ports: dict[str, int]) -> AsyncIterator[Within]:
    """Return the way of the broker to itself, open."""
    within = Within(ports["within"], ports["inner"])
    await within.open()
    yield within
    within.cut()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return a list to which each request that begins a transaction adds whether the broker has let it."""
    answers: list[bool] = []
    handle = AddOffsetsToTxnHandler.handle_response

    def note(self: AddOffsetsToTxnHandler, response: object) -> float | None:
        pause = handle(self, response)
        answers.append(pause is None)
        return pause

    monkeypatch.setattr(AddOffsetsToTxnHandler, "handle_response", note)
    return answers


async def test_a_checkpoint_whose_predecessor_the_broker_is_slow_to_end_waits_for_it(
    broker: EmbeddedBroker,
    kafka: KafkaClient,
    names: Names,
    within: Within,
    asked: list[bool],
    caplog: pytest.LogCaptureFixture,
):
    """Every transaction takes so long: asked every 20 ms in the meantime, the broker is slower still."""
    worker = relay(broker.address, names)
    async with running(worker):
        await until(lambda: worker.app.engine.is_ready, "a ready worker")
        within.seconds = SLOW_SECONDS
        for begin in range(0, 10 * EACH_ROUND, EACH_ROUND):
            kafka.produce(names.source, events(range(begin, begin + EACH_ROUND)), partition=begin % 4)
            await asyncio.sleep(SLOW_SECONDS / 2)
        await until(lambda: worker.received == 10 * EACH_ROUND, "all events")
        within.seconds = 0.0
        assert worker.counts() == {"a": 10 * EACH_ROUND}
    assert sorted(numbers_in(kafka.read_topic(names.output))) == list(range(10 * EACH_ROUND))
    assert "Checkpoint has failed" not in caplog.text
    begun = asked.count(True)
    assert begun > 2
    assert begun < len(asked) <= 10 * begun  # once in 20 ms would be 30


async def test_a_broker_that_ends_no_transaction_for_a_while_is_waited_for(
    broker: EmbeddedBroker,
    kafka: KafkaClient,
    names: Names,
    within: Within,
    asked: list[bool],
    caplog: pytest.LogCaptureFixture,
):
    """Another broker has the partitions of an output, and is away: nothing can be written meanwhile."""
    worker = relay(broker.address, names)
    async with running(worker):
        kafka.produce(names.source, events(range(EACH_ROUND)))
        await until(lambda: worker.received == EACH_ROUND, "the first checkpoint")
        within.cut()
        for begin in range(EACH_ROUND, 6 * EACH_ROUND, EACH_ROUND):
            kafka.produce(names.source, events(range(begin, begin + EACH_ROUND)))
            await asyncio.sleep(AWAY_SECONDS / 5)
        assert len(asked) < 40  # once in 20 ms would be 300
        await within.open()
        await until(lambda: worker.received == 6 * EACH_ROUND, "all events")
        assert worker.counts() == {"a": 6 * EACH_ROUND}
    assert sorted(numbers_in(kafka.read_topic(names.output))) == list(range(6 * EACH_ROUND))
