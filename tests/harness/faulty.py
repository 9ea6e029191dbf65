"""A worker that does what it must not: `FAULT` names it; run as `faust -A harness.faulty worker`."""

import asyncio
import os
from pathlib import Path
from typing import Any

import faust
from harness.relay import MARK, Names, Relay, pass_on, relay

from dataflow.demo.broker.ports import free_port
from dataflow.engine.batch import Batch, Batches
from dataflow.kafka import admin

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
            batch.apply(MARK)
            return
    await pass_on(relay, batch)


broker = os.environ["BROKER"]
if FAULT == "no broker":
    broker = f"127.0.0.1:{free_port()}"
    admin.connect_admin.__defaults__ = (1.0,)  # a minute else
other_agents = ("leaves the loop", "reads events", "takes many", "asks for keys")

worker = relay(broker, NAMES, misbehave, agent=FAULT not in other_agents)
app = worker.app
app.conf.datadir = Path.cwd() / "faust"


async def leave_the_loop(batches: Batches) -> None:
    """Take one batch, and no more."""
    async for batch in batches:
        async with batch:
            await pass_on(worker, batch)
        return


async def read_events(events: faust.StreamT[Any]) -> None:
    """Do what an ordinary agent of Faust does."""
    async for event in events:
        print(event)


async def take_many(events: faust.StreamT[Any]) -> None:
    """Make batches, as Faust does."""
    async for several in events.take(10, within=1):
        print(several)


async def ask_for_keys(events: faust.StreamT[Any]) -> None:
    """Want each event with its key."""
    async for key, event in events.items():
        print(key, event)


async def read_beside() -> None:
    """Read single events of a topic that an agent reads in batches."""
    async for event in app.topic(NAMES.source, value_type=bytes).stream():
        print(event)


match FAULT:
    case "leaves the loop":
        app.agent(worker.source)(leave_the_loop)
    case "reads events":
        app.agent(worker.source)(read_events)
    case "takes many":
        app.agent(worker.source)(take_many)
    case "asks for keys":
        app.agent(worker.source)(ask_for_keys)
    case "streams events beside its agent":
        app.task(read_beside)
