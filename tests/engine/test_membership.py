"""Membership where a member cannot be asked: on another machine, reached at an address of the loopback."""

import asyncio
import os

import pytest
from harness.relay import Names, relay, running

from dataflow.demo.broker import EmbeddedBroker
from dataflow.engine import membership
from dataflow.engine.member_data import WorkerProcess
from dataflow.engine.membership import Moment
from dataflow.errors import Misconfigured


async def test_an_address_that_a_worker_elsewhere_has_is_refused_unless_that_leaves(
    broker: EmbeddedBroker, names: Names, monkeypatch: pytest.MonkeyPatch
):
    """Two machines with the default 127.0.0.1; or one, whose container was made anew after a crash."""
    first, second = relay(broker.address, names), relay(broker.address, names)
    second.app.conf.canonical_url = first.app.conf.canonical_url
    async with running(first):
        elsewhere = WorkerProcess("another machine/its boot", os.getpid(), 0)
        monkeypatch.setattr(membership, "this_process", lambda: elsewhere)
        with pytest.raises(Misconfigured, match=r"address of this worker is http://127\.0\.0\.1:"):
            await second.app.engine.membership.check(Moment.START)
        checking = asyncio.create_task(second.app.engine.membership.check(Moment.START))
        await asyncio.sleep(membership.POLL_SECONDS)
        assert not checking.done()
    await checking
