"""The application: settings in, one Faust app with its agents, tables and views out.

`faust -A dataflow.app worker` runs it; agents, tables and views import `app` from here.
"""

from dataflow.connection import broker_connection
from dataflow.engine.app import App
from dataflow.engine.boot import connect_admin
from dataflow.engine.options import Delivery, EngineOptions
from dataflow.listening import listen
from dataflow.logging_config import logging_config
from dataflow.logs import get_log
from dataflow.settings import Compression, Settings, settings
from dataflow.topics import declared_topics, ensure_topics

log = get_log(__name__)

CHECKPOINT_HEADROOM_SECONDS = 30  # a rebalance waits for a checkpoint under way


def engine_options(chosen: Settings) -> EngineOptions:
    """Return the engine's part of the settings."""
    packed = chosen.compression is not Compression.NONE
    return EngineOptions(
        connection=broker_connection(chosen),
        delivery=Delivery(chosen.delivery),
        checkpoint_seconds=chosen.checkpoint_ms / 1000,
        checkpoint_records=chosen.checkpoint_records,
        batch_records=chosen.batch_records,
        in_flight_bytes=chosen.in_flight_bytes,
        compression=chosen.compression.value if packed else None,
        drain_timeout_seconds=chosen.shutdown_seconds,
        dead_letter_max_consecutive=chosen.dead_letter_max_consecutive,
        dead_letter_max_ratio=chosen.dead_letter_max_ratio,
        dead_letter_ratio_window=chosen.dead_letter_ratio_window,
        query_seconds=chosen.query_deadline_ms / 1000,
        instance_id=chosen.instance_id,
    )


class Dataflow(App):
    """The app, which makes the topics that it needs."""

    async def on_first_start(self) -> None:
        """Make what is missing, and tell what is not as declared; nothing that exists is altered."""
        # A second start on a port would take the producer from under the first before it finds out.
        listen("DATAFLOW_WEB_PORT", settings().web_host, settings().web_port).close()
        reached = broker_connection(settings())
        await (await connect_admin(reached)).close()  # waits for a broker that is not up yet
        wanted = [topic for topic in declared_topics(settings()) if not topic.name.endswith("-changelog")]
        report = await ensure_topics(reached, wanted)  # changelogs are the engine's, as their sources are
        for difference in report.differences:
            log.warning("Topic is not as declared.", difference=str(difference))
        await super().on_first_start()


def create_app(chosen: Settings) -> App:
    """Return the Faust app; nothing is connected before it starts."""
    session_seconds = chosen.session_timeout_ms / 1000
    return Dataflow(
        chosen.app_id,
        engine=engine_options(chosen),
        autodiscover=["agents", "dataflow.web"],
        broker_session_timeout=session_seconds,
        broker_heartbeat_interval=session_seconds / 4,
        broker_rebalance_timeout=session_seconds + CHECKPOINT_HEADROOM_SECONDS,
        logging_config=logging_config(chosen),
        datadir=str(chosen.data_dir / "faust"),
        web_bind=chosen.web_host,
        web_host=chosen.advertised_host,
        web_port=chosen.web_port,
        web_tables_enabled=False,
        web_router_enabled=False,
    )


app = create_app(settings())
