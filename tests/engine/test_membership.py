"""Membership where a member cannot be asked: on another machine, reached at an address of the loopback."""

import asyncio
import os
from dataclasses import replace

import pytest
from harness.relay import Names, relay, running

from dataflow.demo.broker import EmbeddedBroker
from dataflow.engine import membership
from dataflow.engine.member_data import WorkerProcess
from dataflow.engine.membership import Moment
from dataflow.errors import Misconfigured


@pytest.mark.parametrize("is_sibling", [False, True])
async def test_an_address_that_a_worker_elsewhere_has_is_refused_unless_that_leaves(
    broker: EmbeddedBroker, names: Names, monkeypatch: pytest.MonkeyPatch, is_sibling: bool
):
    """Two machines with the default 127.0.0.1; or one, whose container was made anew after a crash.

    Also if the other takes other streams, in a group of its own: whoever asks it for them asks itself.
    """
    first = relay(broker.address, names)
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
