"""A group with a worker of an earlier release in; whether one of this release may join it, out."""

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace
from unittest.mock import AsyncMock

import faust
import pytest
from group_coordinator import REBALANCING, Coordinator

from dataflow.engine import membership
from dataflow.engine.format_check import check_formats
from dataflow.engine.membership import Membership, Moment
from dataflow.errors import Misconfigured
from dataflow.kafka.admin import Admin
from dataflow.kafka.connection import connection
from dataflow.kafka.group_members import STABLE

NOW = 0.0
FORMAT_0 = 4
"""The version of what members told when they read no later format."""


def admin_of(coordinator: Coordinator) -> Admin:
    """Return an admin client that is connected to nobody else."""
    admin = Admin(connection(["192.0.2.1:9092"]))
    admin._client._client = coordinator
    return admin


async def test_amid_a_rebalance_its_end_is_waited_for():
    """Nobody knows the members then: a worker that started in one joined whoever it was."""
    coordinator = Coordinator({"old": 1}, FORMAT_0)
    coordinator.state = REBALANCING
    checking = asyncio.create_task(check_formats(admin_of(coordinator), "dataflow", NOW, 60.0))
    await asyncio.sleep(0)
    coordinator.state = STABLE
    with pytest.raises(Misconfigured, match="which reads changelogs up to format 0"):
        await checking


async def test_a_rebalance_without_end_keeps_nobody_out():
    """It may wait for this very worker."""
    coordinator = Coordinator({"old": 1}, FORMAT_0)
    coordinator.state = REBALANCING
    await check_formats(admin_of(coordinator), "dataflow", NOW, NOW)


async def test_a_worker_that_has_joined_looks_again(monkeypatch: pytest.MonkeyPatch):
    """A rebalance of more than a second hid the member of the earlier release, and nobody asked again."""
    coordinator = Coordinator({"old": 1}, FORMAT_0)
    app = faust.App("dataflow", broker_session_timeout=NOW)
    app.producer_only = False
    monkeypatch.setattr(membership, "running", lambda _: nullcontext(admin_of(coordinator)))
    monkeypatch.setattr(Membership, "_check", AsyncMock())
    asked = Membership(app, SimpleNamespace(connection=connection(["192.0.2.1:9092"])))
    for moment in (Moment.START, Moment.JOINED):
        with pytest.raises(Misconfigured, match="which reads changelogs up to format 0"):
            await asked.check(moment)
    await asked.check(Moment.LOST)
