"""What ends a worker: a real process, its exit code, its last words, and what is committed then."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from harness.relay import Names, events
from kafka_client import KafkaClient

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.child_process import start_child

PARTITIONS = 2
AT_ONCE = 3
TESTS = Path(__file__).parent.parent

SAID: Mapping[str, str] = {
    "raises": "a bug in the agent",
    "sends": "send() of topic elsewhere is used inside a batch",
    "cancels itself": "CancelledError",
    "forgets": "expected its agent to read all",
    "no topics": "do not exist on",
    "no broker": "does not answer",
    "leaves the loop": "has ended; expected it to read on for ever",
    "reads events": "expected `async with batch:` around all that it does with one",
    "takes many": "uses take of its stream; expected `async for batch in batches:`",
    "asks for keys": "uses items of its stream; expected `async for batch in batches:`",
    "streams events beside its agent": "is read by a stream as single events, and is a source of batches",
}
"""What a worker does wrong, and what it says when it ends."""

LEFT_OVER = re.compile("loop is closed|was never (retrieved|awaited)|was destroyed|[Uu]nclosed")

UNCOMMITTED = ("raises", "sends", "cancels itself", "forgets", "reads events", "takes many")


@dataclass(frozen=True)
class Ended:
    """What became of a worker; no code if it had to be killed."""

    code: int | None
    log: str
    names: Names


@pytest.fixture(scope="module")
def ended(
    broker: EmbeddedBroker, kafka: KafkaClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Ended]]:
    """Run a worker for each fault, a few at a time; return how one of them ended."""
    started: dict[str, Future[Ended]] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:

        def end_of(fault: str) -> Ended:
            at = list(SAID).index(fault)
            for soon in list(SAID)[at : at + AT_ONCE]:
                if soon not in started:
                    folder = tmp_path_factory.mktemp("worker")
                    started[soon] = pool.submit(run, soon, broker.address, kafka, folder)
            return started[fault].result()

        yield end_of


def run(fault: str, address: str, kafka: KafkaClient, folder: Path) -> Ended:
    """Run a worker until it ends, by itself or by force."""
    mark = fault.replace(" ", "-")
    names = Names(*(f"{mark}-{what}" for what in ("group", "source", "output", "dead")))
    if fault != "no topics":
        kafka.create_topics(names.topics, PARTITIONS)
        kafka.produce(names.source, events(range(30)), partition=0)
    chosen = dict(
        zip(("GROUP", "SOURCE", "OUTPUT", "DEAD"), (names.group, *names.topics), strict=True),
        PYTHONPATH=f"{TESTS.parent}:{TESTS}",
        FAULT=fault,
        BROKER=address,
    )
    command = [sys.executable, "-m", "faust", "-A", "harness.faulty", "worker", "-l", "info"]
    log = folder / "log"
    with log.open("wb") as out:
        process = start_child(command, env=os.environ | chosen, cwd=folder, stdout=out, stderr=out)
        try:
            code = process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = None
    return Ended(code, log.read_text(errors="replace"), names)


@pytest.mark.parametrize("fault", SAID)
def test_the_worker_ends_with_a_failure_and_says_why(fault: str, ended: Callable[[str], Ended]):
    """Rules 1, 3 and 4; stock Faust acknowledges what an agent could not do and goes on (FAUST.md 0.4)."""
    end = ended(fault)
    assert end.code is not None, f"it still runs; {end.log[-3000:]}"
    assert SAID[fault] in end.log, end.log[-3000:]
    assert end.code > 0, end.log[-3000:]


@pytest.mark.parametrize("fault", SAID)
def test_the_worker_complains_of_nothing_else(fault: str, ended: Callable[[str], Ended]):
    """What is left over at the end of a loop hides why the worker has ended."""
    assert not [line for line in ended(fault).log.splitlines() if LEFT_OVER.search(line)]


@pytest.mark.parametrize("fault", UNCOMMITTED)
def test_nothing_of_the_batch_is_committed(fault: str, ended: Callable[[str], Ended], kafka: KafkaClient):
    """Rule 1: a batch is committed with all that it produced, or not at all (stock Faust: FAUST.md 0.4)."""
    end = ended(fault)
    assert kafka.read_topic(end.names.output) == []
    assert kafka.read_topic(end.names.dead) == []
    assert committed(kafka.address, end.names) == []


def committed(address: str, names: Names) -> list[TopicPartition]:
    """Return the offsets that the group has committed."""
    admin = AdminClient({"bootstrap.servers": address})
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(names.group)])
    found = asked[names.group].result(30).topic_partitions
    return [tp for tp in found if tp.topic == names.source and tp.offset >= 0]
