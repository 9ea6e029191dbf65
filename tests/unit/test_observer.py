"""The observer: a broker that goes away and comes back is asked again, and told each time."""

import asyncio
from collections import deque
from itertools import repeat
from typing import ClassVar

import pytest

from dataflow.engine import observer
from dataflow.engine.observer import Observer
from dataflow.engine.topology import Topology
from dataflow.kafka.errors import KafkaError


class Admin:
    """Answers or fails as it is told to."""

    script: ClassVar[deque[dict[str, int] | KafkaError]] = deque()
    client = object()

    def __init__(self, connection: object) -> None:
        """Connect to nobody."""

    async def start(self) -> None:
        """Have nothing to do."""

    stop = start

    async def partition_counts(self, names: object) -> dict[str, int]:
        """Return or raise what comes next; the last for ever."""
        answer = self.script.popleft() if len(self.script) > 1 else self.script[0]
        if isinstance(answer, KafkaError):
            raise answer
        return answer


async def test_each_outage_is_told_once_and_ends_by_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Of the second nothing was said, and it was waited for as long as if the first had never ended."""
    begun = []
    monkeypatch.setattr(observer, "Admin", Admin)
    monkeypatch.setattr(observer, "COUNT_SECONDS", 0.0)
    monkeypatch.setattr(observer, "backoff", lambda: begun.append(1) or repeat(0.0))
    caplog.set_level("INFO", "dataflow.engine.observer")
    away = KafkaError()
    Admin.script = deque([away, away, {"bookings": 1}, {"bookings": 2}, away, away, {"bookings": 3}])
    topology = Topology()
    observing = Observer({}, topology)
    async with asyncio.timeout(60), observing:
        while topology.partition_counts != {"bookings": 3} or observing.client is None:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)
    assert len([r for r in caplog.records if "does not say" in str(r.msg)]) == 2
    assert len(begun) == 2
