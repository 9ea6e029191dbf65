"""Fixtures of the engine's tests: names and topics of one small app on the session's broker."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from harness.guarded_broker import Guarded, guarded_broker
from harness.relay import Names
from kafka_client import KafkaClient

# A worker that ends as by a crash leaves its sockets to the garbage collector, which tells of each.
LEFT_OPEN = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of this folder leave sockets open."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(LEFT_OPEN)


@pytest.fixture
def names(unique: Callable[[str], str], kafka: KafkaClient) -> Names:
    """Return names of one app, its topics made with four partitions each."""
    made = Names.of(unique)
    kafka.create_topics(made.topics, 4)
    return made


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Return a broker with access control, where bob may do everything."""
    with guarded_broker(tmp_path_factory.mktemp("guarded")) as running_one:
        yield running_one


@pytest.fixture(autouse=True)
async def clear_away() -> AsyncIterator[None]:
    """Let the loop close what a test has let go, and undo what a worker does to its process for good."""
    thresholds = gc.get_threshold()
    yield
    for _ in range(3):
        await asyncio.sleep(0)
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    with warnings.catch_warnings(action="ignore"):
        gc.collect()  # here, or tests of other folders would be told
