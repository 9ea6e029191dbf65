"""A worker that does what it must not: `FAULT` names it; run as `faust -A engine.faulty worker`."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from engine.relay import MARK, Names, Relay, pass_on, relay

from dataflow.demo.broker.ports import free_port
from dataflow.engine import boot
from dataflow.engine.batch import Batch

FAULT = os.environ["FAULT"]
NAMES = Names(*(os.environ[name] for name in ("GROUP", "SOURCE", "OUTPUT", "DEAD")))


async def misbehave(relay: Relay, batch: Batch) -> None:
    """Do what this worker is for."""
    match FAULT:
        case "raises":
            await pass_on(relay, batch)
            raise ValueError("a bug in the agent")
        case "sends":
            await relay.app.send("elsewhere", value=b"x")
        case "cancels itself":
            raise asyncio.CancelledError
        case "forgets":
            batch.enrich(MARK)
            return
    await pass_on(relay, batch)


broker = os.environ["BROKER"]
if FAULT == "no broker":
    broker = f"127.0.0.1:{free_port()}"
    boot.connect_admin.__defaults__ = (1.0,)  # a minute else
limits = {"dead_letter_max_consecutive": 20} if FAULT == "dead run" else {}
leaves = FAULT == "leaves the loop"

worker = relay(broker, NAMES, misbehave, agent=not leaves, **limits)
app = worker.app
app.conf.datadir = Path.cwd() / "faust"

if leaves:

    @app.agent(worker.source)
    async def read_one(batches: AsyncIterator[Batch]) -> None:
        """Take one batch, and no more."""
        async for batch in batches:
            async with batch:
                await pass_on(worker, batch)
            return
