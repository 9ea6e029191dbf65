"""Fixtures of all tests: a real broker for the session or for one test alone, and clients of it."""

import ctypes
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings
from kafka_client import KafkaClient, Read

from dataflow.demo.broker import EmbeddedBroker

# A worker that is killed gives its partitions up after a second instead of six.
QUICK = {
    "group.min.session.timeout.ms": 1000,
    "log.retention.check.interval.ms": 86_400_000,  # tests write records of any age
}

# A machine that stands still for two seconds is no reason to refuse records: nobody kills this broker.
PATIENT = {"broker.session.timeout.ms": 30_000}


pytest.register_assert_rewrite("table_model")  # it compares, and its assertions tell what differs

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")

LONGEST_ID = 20
SIGKILL_AFTER_PARENT = 1, signal.SIGKILL  # PR_SET_PDEATHSIG


def pytest_configure(config: pytest.Config) -> None:
    """Leave long tests to `make proof`, and let what runs tests end with what deals them out.

    So do their servers. Where a run is a background job, Ctrl-C is ignored, and so it would be by
    all that the tests start.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput") and sys.platform == "linux":
        ctypes.CDLL(None).prctl(*SIGKILL_AFTER_PARENT)
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.markexpr:
        config.option.markexpr = "not long"  # nobody has named a file


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long bytes by their argument: what is packed holds the time, and each worker packs for itself."""
    return argname if isinstance(val, bytes) and len(val) > LONGEST_ID else None


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """Return the one broker of the session, running: use names of your own, never stop it."""
    broker = EmbeddedBroker(tmp_path_factory.mktemp("broker"), properties={**QUICK, **PATIENT})
    broker.start()
    broker.wait_ready()
    yield broker
    broker.stop()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """Return a running broker that the test may kill and start again."""
    broker = EmbeddedBroker(tmp_path / "broker", properties=QUICK)
    broker.start()
    broker.wait_ready()
    yield broker
    broker.kill()


@pytest.fixture(scope="session")
def kafka(broker: EmbeddedBroker) -> KafkaClient:
    """Return a client of the session's broker."""
    return KafkaClient(broker.address)


@pytest.fixture(scope="session")
def create_topics(kafka: KafkaClient) -> Callable[..., None]:
    """Return `KafkaClient.create_topics` of the session's broker."""
    return kafka.create_topics


@pytest.fixture(scope="session")
def produce(kafka: KafkaClient) -> Callable[..., None]:
    """Return `KafkaClient.produce` of the session's broker."""
    return kafka.produce


@pytest.fixture(scope="session")
def read_topic(kafka: KafkaClient) -> Callable[..., list[Read]]:
    """Return `KafkaClient.read_topic` of the session's broker."""
    return kafka.read_topic


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Return a function that makes a name no other test has, the same within one test."""
    mark = uuid4().hex[:8]
    return lambda name: f"{name}-{mark}"
