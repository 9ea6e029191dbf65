"""A small app: orders in, the same marked as done out; each order says what its agent shall do."""

import asyncio
import os
from pathlib import Path

import faust

from dataflow.engine.app import App
from dataflow.engine.batch import Batches
from dataflow.engine.decoding import compile_decoder
from dataflow.engine.enrich_stage import EnrichStage
from dataflow.engine.options import EngineOptions
from dataflow.engine.splice import Added
from dataflow.kafka.connection import connection

SLOW_SECONDS = 1.0


class Order(faust.Record, include_metadata=False):
    """What the agent shall do with the batch that the order is in."""

    do: str
    """``work``, or ``raise`` an exception, ``dawdle`` for a second, ``hang`` for ever."""


app = App(
    "tiny",
    engine=EngineOptions(
        connection([os.environ["DATAFLOW_BROKER"]]),
        drain_timeout_seconds=float(os.environ["DATAFLOW_SHUTDOWN_SECONDS"]),
    ),
    datadir=Path(os.environ["DATAFLOW_DATA_DIR"]),
    web_port=int(os.environ["DATAFLOW_WEB_PORT"]),
    broker_session_timeout=6.0,
    broker_heartbeat_interval=1.0,
)
orders, done = app.batches("orders"), app.batches("orders-done")
DONE = EnrichStage("done", compile_decoder(Order, ("do",), adds=("done",)), lambda _: Added(done=True))


@app.agent(orders)
async def work(batches: Batches) -> None:
    """Do what the orders say, and mark them as done."""
    async for batch in batches:
        async with batch:
            rows = batch.apply(DONE)
            await done.send_batch(rows)
            for what in rows.column("do"):
                await _do(what)


async def _do(what: object) -> None:
    if what == "raise":
        raise RuntimeError("the agent has met a bug")
    if what in ("dawdle", "hang"):
        app.log.info("The agent has begun to %s.", what)
        await asyncio.sleep(SLOW_SECONDS if what == "dawdle" else 3600)
        app.log.info("The agent is through.")
