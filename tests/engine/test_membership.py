"""Membership where a member cannot be asked: on another machine, reached at an address of the loopback."""

import asyncio
import os
from collections.abc import Collection
from dataclasses import replace
from unittest.mock import AsyncMock

import pytest
from harness.relay import Names, relay, running

from dataflow.demo.broker import EmbeddedBroker
from dataflow.engine import membership
from dataflow.engine.member_data import MemberData, OwnPartitions, WorkerProcess, encode
from dataflow.engine.membership import Moment
from dataflow.errors import Misconfigured
from dataflow.kafka.types import MemberMetadata

LONG_SESSION_SECONDS = 30.0
"""Of the worker that is to be found in its group, on a machine that may stand still for some seconds."""


@pytest.mark.parametrize("is_sibling", [False, True])
async def test_an_address_that_a_worker_elsewhere_has_is_refused_unless_that_leaves(
    broker: EmbeddedBroker, names: Names, monkeypatch: pytest.MonkeyPatch, is_sibling: bool
):
    """Two machines with the default 127.0.0.1; or one, whose container was made anew after a crash.

    Also if the other takes other streams, in a group of its own: whoever asks it for them asks itself.
    """
    first = relay(broker.address, names)
    first.app.conf.broker_session_timeout = LONG_SESSION_SECONDS
    group = f"{names.group}-streams-others" if is_sibling else names.group
    second = relay(broker.address, replace(names, group=group), app_id=names.group)
    second.app.conf.canonical_url = first.app.conf.canonical_url
    async with running(first):
        elsewhere = WorkerProcess("another machine/its boot", os.getpid(), 0)
        monkeypatch.setattr(membership, "this_process", lambda: elsewhere)
        with pytest.raises(
            Misconfigured,
            match=rf"address of this worker is http://127\.0\.0\.1:.* in group {names.group} has",
        ):
            await second.app.engine.membership.check(Moment.START)
        checking = asyncio.create_task(second.app.engine.membership.check(Moment.START))
        await asyncio.sleep(membership.POLL_SECONDS)
        assert not checking.done()
    await checking


async def test_a_group_with_a_worker_that_reads_only_an_earlier_format_is_not_joined(
    broker: EmbeddedBroker, names: Names, monkeypatch: pytest.MonkeyPatch
):
    """Whenever it got a partition that the new one has written to, it would end."""

    def metadata(topics: Collection[str]) -> MemberMetadata:
        """Tell what a worker of the release before format 1 tells."""
        return MemberMetadata(4, list(topics), encode(MemberData(OwnPartitions({}, {}), "http://old:6066")))

    first, second = relay(broker.address, names), relay(broker.address, names)
    first.app.conf.broker_session_timeout = LONG_SESSION_SECONDS
    monkeypatch.setattr(first.app.assignor, "metadata", metadata)
    monkeypatch.setattr(first.app.engine.membership, "check", AsyncMock())  # it is of another release
    async with running(first):
        with pytest.raises(
            Misconfigured,
            match=rf"^group {names.group} has a worker of an earlier release at http://old:6066 \(.*\), "
            r"which reads changelogs up to format 0; expected format 1 or later",
        ):
            await second.app.engine.membership.check(Moment.START)
        checking = asyncio.create_task(second.app.engine.membership.check(Moment.START))
        await asyncio.sleep(membership.POLL_SECONDS)
        assert not checking.done()
    await checking
