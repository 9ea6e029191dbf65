"""The app: agents, tables and topics are declared with it, and `assemble` makes a worker of it.

Importing it needs no settings and no broker. `faust -A dataflow.app worker` runs a worker;
`agents`, `tables` or `models` in the place of `worker` lists what is declared.
"""

import asyncio
from functools import cache, cached_property
from typing import cast

from dataflow.catalogue.declared import STREAMS, streams_named
from dataflow.catalogue.topic import DeclaredTopic
from dataflow.context import Context
from dataflow.engine.app import App
from dataflow.engine.sibling_groups import group_of
from dataflow.engine.topic import BatchTopic
from dataflow.errors import Misconfigured
from dataflow.kafka.consumers import HEARTBEAT_MS
from dataflow.logging_config import logging_config
from dataflow.logs import get_log
from dataflow.settings import Settings, settings
from dataflow.topics import declared_topics, wait_for_topics
from dataflow.topology_path import add_topology_path
from dataflow.web_server import WebServer

log = get_log(__name__)

CHECKPOINT_HEADROOM_SECONDS = 30  # a rebalance waits for a checkpoint under way


class Dataflow(App):
    """The app, which makes the topics that it needs."""

    @cached_property
    def settings(self) -> Settings:
        """The settings of this process, unless `assemble` was given others."""
        return settings()

    @cached_property
    def context(self) -> Context:
        """What agents and routes of this worker work with."""
        raise Misconfigured("app is only declared; expected assemble() to make a worker of it")

    @cached_property
    def web(self) -> WebServer:
        """The web server; `assemble` adds the routes."""
        return WebServer(self)

    @property
    def takes_partitions(self) -> bool:
        """Tell whether this worker runs agents; some roles only receive events, or only store them."""
        return not self.producer_only

    def finalize(self) -> None:
        """Read the settings: a command of Faust's or a worker begins; what is only imported needs none."""
        if not self.finalized:
            add_topology_path()  # the `faust` command has another path than ours
            chosen = streams_named(self.settings.streams)
            group = group_of(self.settings.app_id, [stream.name for stream in chosen])
            self.configure(group, **_faust_options(self.settings))
        super().finalize()

    async def on_first_start(self) -> None:
        """Make topics that are missing, and log what differs; nothing that exists is altered."""
        # A second start on a port would take the producer from under the first before it finds out.
        await self.web.start_early()
        if self.takes_partitions:
            await self.watch.maybe_start()
        connection = self.context.connection
        servers = ", ".join(cast("list[str]", connection["bootstrap_servers"]))
        self.engine.lifecycle.wait(f"the broker at {servers}, to look for its topics")
        wanted = declared_topics(self.settings, with_changelogs=False)  # the engine makes those
        report = await wait_for_topics(connection, wanted)
        for difference in report.differences:
            log.warning("Topic is not as declared.", difference=str(difference))
        await super().on_first_start()

    async def on_stop(self) -> None:
        """Stop all sinks while the streams finish: each may have to wait for a server that is away."""
        stopping = [asyncio.create_task(runner.stop()) for runner in self.context.sinks]
        await super().on_stop()
        await asyncio.gather(*stopping)


def _faust_options(settings: Settings) -> dict[str, object]:
    """Return how Faust is configured, but for the broker, which only a worker needs."""
    session_seconds = settings.session_timeout_ms / 1000
    return {
        "autodiscover": ("agents", "tables", "models"),
        "Worker": "dataflow.worker:Worker",
        "broker_session_timeout": session_seconds,
        "broker_heartbeat_interval": min(session_seconds / 4, HEARTBEAT_MS / 1000),
        "broker_rebalance_timeout": session_seconds + CHECKPOINT_HEADROOM_SECONDS,
        "logging_config": logging_config(settings),
        "datadir": str(settings.data_dir / "faust"),
        "web_bind": settings.web_host,
        "web_host": settings.advertised_host,
        "web_port": settings.web_port,
    }


app = Dataflow("dataflow")


_COUNTED = {stream.topic: stream for stream in STREAMS if stream.columns}


@cache
def batch_topic(topic: DeclaredTopic) -> BatchTopic:
    """Return a topic in record batches; of a stream's source the tables count by the stream's event time."""
    stream = _COUNTED.get(topic.name)
    if stream is None:
        return app.batches(topic.name)
    return app.batches(topic.name, event_time=stream.event_time, columns=stream.columns)
