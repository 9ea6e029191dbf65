"""A group with a worker of an earlier release in; whether one of this release may join it, out."""

import asyncio

import pytest
from group_coordinator import REBALANCING, Coordinator

from dataflow.engine import format_check
from dataflow.engine.format_check import check_formats
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


async def test_amid_a_rebalance_its_end_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    """Nobody knows the members then: a worker that started in one joined whoever it was."""
    coordinator = Coordinator({"old": 1}, FORMAT_0)
    coordinator.state = REBALANCING
    monkeypatch.setattr(format_check, "REBALANCE_SECONDS", 60.0)
    checking = asyncio.create_task(check_formats(admin_of(coordinator), "dataflow", NOW))
    await asyncio.sleep(0)
    coordinator.state = STABLE
    with pytest.raises(Misconfigured, match="which reads changelogs up to format 0"):
        await checking


async def test_a_rebalance_without_end_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch):
    """It may wait for this very worker."""
    coordinator = Coordinator({"old": 1}, FORMAT_0)
    coordinator.state = REBALANCING
    monkeypatch.setattr(format_check, "REBALANCE_SECONDS", 0.0)
    await check_formats(admin_of(coordinator), "dataflow", NOW)
