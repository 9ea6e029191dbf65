"""Fixtures of the tests of what comes in: one worker that receives for most, one of its own for some."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from sources.senders import Ingest, ingest_worker


@pytest.fixture(scope="session")
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingest]:
    """Return a worker of the session: mark what you send, never stop it."""
    settings = {
        "ingest_body_bytes": str(2 << 20),
        "ingest_inflated_bytes": str(8 << 20),
        "ingest_in_flight_bytes": str(16 << 20),
        "ingest_body_seconds": "2",
        "ingest_structured_fields": "cp,reqId,UA",
    }
    with ingest_worker(tmp_path_factory.mktemp("ingest"), **settings) as ingest:
        yield ingest


@pytest.fixture
def own_ingest(tmp_path: Path) -> Iterator[Callable[..., Ingest]]:
    """Return a function that starts a worker, with these settings, on a broker that the test may kill."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(ingest_worker(tmp_path, **settings))


@pytest.fixture
def mark() -> bytes:
    """Return a text that no other test sends."""
    return uuid4().hex.encode()
