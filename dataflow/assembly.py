"""The assembly: makes a worker of the app, with the parts that its role has; nothing else builds them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from faust.app.base import BootStrategy
from faust.types import ServiceT
from prometheus_client import REGISTRY

from agents.type_cdn_logs import type_cdn_logs
from dataflow.access.configured import check_access
from dataflow.access.worker_proof import proof_headers
from dataflow.access.worker_secret import worker_secret
from dataflow.app import Dataflow
from dataflow.catalogue.declared import streams_named
from dataflow.connection import broker_connection
from dataflow.context import Context
from dataflow.engine.options import EngineOptions
from dataflow.inputs.places import check_places
from dataflow.inputs.schedule import ingest_scheduled
from dataflow.settings import Role, Settings
from dataflow.topic_watch import TopicWatch
from dataflow.web.authorize import authorize
from dataflow.web.browsers import only_own_pages
from dataflow.web.edge import json_edge
from dataflow.web.https import CertificateWatch, speak_https
from dataflow.web.loop_delay import LoopDelay
from dataflow.web.metrics import WorkerCollector
from dataflow.web.request_seconds import measure_seconds, show
from dataflow.web.routes import EVERY_WORKER, SENDERS
from dataflow.web.scaling import Scaling
from dataflow.web.slow_readers import send_in_time
from dataflow.web.table_metrics import check_chosen

Part = Callable[[Dataflow], None]


def assemble(app: Dataflow, settings: Settings) -> None:
    """Make the app a worker of the settings' role; raise `Misconfigured` before anything has started.

    Services that are added here start in this order, before Faust's own, and stop after them.
    """
    app.settings = settings
    app.finalize()
    app.discover()
    connection = broker_connection(settings)
    check_access(settings)
    secret = worker_secret(settings)
    options = _engine_options(settings, connection)
    app.connect(replace(options, peer_headers=partial(proof_headers, secret)))
    app.context = Context(settings, connection, secret, app.engine.inspector)
    app.topology.limit_keys(settings.max_keys)
    if not settings.types_cdn_logs:
        app.leave_out(type_cdn_logs)
    if settings.streams:
        app.take({topic for stream in streams_named(settings.streams) for topic in stream.topics})
    speak_https(app, settings)
    for part in PARTS[settings.role]:
        part(app)


def _engine_options(settings: Settings, connection: Mapping[str, object]) -> EngineOptions:
    """Return the engine's part of the settings."""
    return EngineOptions(
        connection=connection,
        checkpoint_seconds=settings.checkpoint_ms / 1000,
        checkpoint_records=settings.checkpoint_records,
        batch_records=settings.batch_records,
        in_flight_bytes=settings.in_flight_bytes,
        local_store_seconds=settings.local_store_seconds,
        state_memory_bytes=settings.state_memory_bytes,
        compression=settings.compression.codec,
        drain_timeout_seconds=settings.shutdown_seconds,
        dead_letter_max_consecutive=settings.dead_letter_max_consecutive,
        dead_letter_max_ratio=settings.dead_letter_max_ratio,
        dead_letter_ratio_window=settings.dead_letter_ratio_window,
        stall_seconds=settings.stall_seconds,
        query_seconds=settings.query_deadline_ms / 1000,
        instance_id=settings.instance_id,
        app_id=settings.app_id,
    )


def enrich(app: Dataflow) -> None:
    """Run the agents, with rules that are known before the first batch comes."""
    app.add_dependency(app.context.filter_rules)
    app.add_dependency(app.context.utm_sources)
    app.add_dependency(app.context.access_logs)
    app.add_dependency(Scaling())


def receive(app: Dataflow) -> None:
    """Take events over HTTP."""
    receiver = app.context.receiver
    receiver.check()
    app.web.web_app.add_routes(SENDERS)
    app.add_dependency(receiver)
    app.add_dependency(app.context.simulator)


def store(app: Dataflow) -> None:
    """Run the sinks."""
    for runner in app.context.sinks:
        app.add_dependency(runner)


def read_inputs(app: Dataflow) -> None:
    """Read files and objects when the schedule says so, if no other worker does."""
    schedule = app.settings.ingest_schedule
    if schedule is None:
        return
    check_places(wanted.partition("=")[2] for wanted in app.settings.ingest_inputs)

    async def ingest_inputs() -> None:
        """Read what is new, a stream after another."""
        await ingest_scheduled(app.settings, lambda: app.should_stop)

    app.crontab(schedule)(ingest_inputs)


def answer(app: Dataflow) -> None:
    """Answer questions over HTTP: those of people, of other workers and of Prometheus."""
    app.web.web_app.middlewares.extend([send_in_time, measure_seconds, json_edge, only_own_pages, authorize])
    show((*EVERY_WORKER, *SENDERS))
    check_chosen(app, app.settings.metrics_tables)
    app.web.web_app.add_routes(EVERY_WORKER)
    app.web.connections.most_seconds = app.settings.web_connection_seconds
    app.add_dependency(LoopDelay())
    app.add_dependency(CertificateWatch())
    app.add_dependency(TopicWatch(app.settings, app.context.connection))
    REGISTRY.register(WorkerCollector(app.context.receiver, app.context.authenticator.delays))
    if app.context.stored_requests is not None:
        app.add_dependency(app.context.stored_requests)


class WithoutPartitions(BootStrategy):
    """Starts neither Faust's consumer nor agents."""

    enable_kafka = False

    def agents(self) -> list[ServiceT]:
        """Return none."""
        return []


def take_no_partitions(app: Dataflow) -> None:
    """Leave the partitions, and the tables, to other workers, and ask them."""
    app.only_observe()
    app.boot_strategy = WithoutPartitions(app)
    app.producer_only = True  # else Faust waits for the tables of a consumer


_STORE_ONLY: Sequence[Part] = (answer, store, read_inputs, take_no_partitions)

PARTS: Mapping[Role, Sequence[Part]] = {
    Role.ALL: (answer, enrich, receive, store, read_inputs),
    Role.ENRICH: (answer, enrich, read_inputs),
    Role.INGEST: (answer, receive, read_inputs, take_no_partitions),
    Role.SINK_POSTGRES: _STORE_ONLY,
    Role.SINK_CSV: _STORE_ONLY,
    Role.SINK_S3: _STORE_ONLY,
    Role.SINK_OPENSEARCH: _STORE_ONLY,
}
