"""Who looks after whom in a group, and when a worker is known to have ended."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
import pytest

from dataflow.demo.broker.ports import free_port
from dataflow.engine import worker_processes
from dataflow.engine.dead_members import NEIGHBOURS, _after
from dataflow.engine.member_data import MemberData, OwnPartitions, WorkerProcess, encode, this_process
from dataflow.engine.worker_processes import WorkerProcesses
from dataflow.kafka.group_members import GroupMember

ELSEWHERE = WorkerProcess("another machine/its boot/its processes", os.getpid(), 0)
HERE = "0.0.0.0"  # no address of the loopback, and reached all the same


def member(number: int, instance_id: str | None = None) -> GroupMember:
    """Return a member of a group whose ids are in order of their numbers."""
    data = MemberData(OwnPartitions({}, {}), f"http://worker-{number}", instance_id=instance_id)
    return GroupMember(f"id-{number}", "192.0.2.1", encode(data), {}, 5)


def watched(own: int, members: list[GroupMember]) -> list[str]:
    """Return the ids of the members that one looks after."""
    return [found.member_id for found, _ in _after(f"id-{own}", members)]


@pytest.mark.parametrize("size", range(1, 8))
def test_every_member_is_looked_after_by_others_and_no_worker_by_many(size: int):
    """With each asking all, 200 workers would ask 80,000 times a second."""
    members = [member(number) for number in range(size)]
    by_worker = [watched(number, members) for number in range(size)]
    for number, own in enumerate(by_worker):
        assert f"id-{number}" not in own
        assert len(own) == min(NEIGHBOURS, size - 1)
    times = [sum(f"id-{number}" in own for own in by_worker) for number in range(size)]
    assert times == [min(NEIGHBOURS, size - 1)] * size


def test_a_static_member_is_waited_for():
    """It comes back under its name, and keeps its partitions: a rebalance would cost more."""
    members = [member(0), member(1, "enrich-1"), member(2)]
    assert watched(0, members) == ["id-2"]


@asynccontextmanager
async def answering(answer: bytes | None) -> AsyncIterator[str]:
    """Give an address that gives whoever connects this answer, or None."""

    async def process(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            if answer is not None:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))
            await reader.read()  # until whoever asked goes away

    serving: list[Any] = []
    async with await asyncio.start_server(process, HERE, 0) as server:
        yield f"http://{HERE}:{server.sockets[0].getsockname()[1]}"
        await asyncio.gather(*serving)


async def is_alive(process: WorkerProcess, url: str) -> bool | None:
    """Ask as a worker does."""
    async with aiohttp.ClientSession() as session:
        app: Any = SimpleNamespace(http_client=session)
        options: Any = SimpleNamespace(peer_headers=lambda _method, _url: {})
        return await WorkerProcesses(app, options).is_alive(process, url)


@pytest.mark.parametrize(
    ("answer", "alive"),
    [
        (msgspec.json.encode(ELSEWHERE), True),
        (msgspec.json.encode(WorkerProcess(ELSEWHERE.machine, 1, 0)), False),
        (b"no JSON", None),
        (None, None),
    ],
    ids=["itself", "another process", "something else", "nothing"],
)
async def test_on_another_machine_its_address_has_to_be_somebody_elses(
    answer: bytes | None, alive: bool | None, monkeypatch: pytest.MonkeyPatch
):
    """A worker that is slow, frozen, or behind a proxy that fails, is not dead, and keeps its partitions."""
    monkeypatch.setattr(worker_processes, "ANSWER_SECONDS", 0.2 if answer is None else 60.0)
    async with answering(answer) as url:
        assert await is_alive(ELSEWHERE, url) is alive


async def test_an_address_that_refuses_connections_has_no_process(monkeypatch: pytest.MonkeyPatch):
    """The kernel answers for a process that has ended, and for a port that nobody listens at."""
    monkeypatch.setattr(worker_processes, "ANSWER_SECONDS", 60.0)
    assert await is_alive(ELSEWHERE, f"http://{HERE}:{free_port()}") is False


async def test_an_address_of_the_loopback_tells_nothing_of_another_machine():
    """Who asks there, asks itself."""
    assert await is_alive(ELSEWHERE, f"http://127.0.0.1:{free_port()}") is None


async def test_on_the_same_machine_the_kernel_knows():
    """No request is needed, and no address has to be right."""
    ended = WorkerProcess(this_process().machine, 2**22 + 1, 0)  # beyond the largest number there is
    assert await is_alive(this_process(), "http://127.0.0.1:1") is True
    assert await is_alive(ended, "http://127.0.0.1:1") is False
