"""Metrics: the counts of this worker's partitions, and of what it received over HTTP, for Prometheus."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from aiohttp.web import Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from dataflow import __version__
from dataflow.access.identity import AccessRole
from dataflow.access.login_delays import LoginDelays
from dataflow.app import app
from dataflow.catalogue.declared import RECEIVED_TOPICS
from dataflow.certificates import expires_at
from dataflow.engine.lifecycle import EngineState
from dataflow.engine.tables.changelog import FORMAT_VERSION
from dataflow.metrics import measured
from dataflow.sources.receiver import REFUSED, Receiver
from dataflow.tls import LIVE
from dataflow.web.health import not_ready_for, paused_streams
from dataflow.web.partition_metrics import partition_metrics
from dataflow.web.route import Content, Routes

routes = Routes("Workers")

MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""What a container may take; `max` where there is no limit."""

STATUSES = ("400", "401", "403", "404", "413", "415", "421", "429", "503")
"""What senders and browsers may get; what never was is there, too, so that its first rise is seen."""


class WorkerCollector(Collector):
    """All-time counts of the partitions that this worker owns, and of what it received since it started.

    A partition's series moves with it. No label holds what a sender has sent.
    """

    def __init__(self, receiver: Receiver, delays: LoginDelays) -> None:
        self.receiver = receiver
        self.delays = delays

    def collect(self) -> Iterable[Metric]:
        """Yield what is so at this moment."""
        yield from partition_metrics(app)
        yield from _states()
        yield from _process()
        if app.takes_partitions:
            yield from _access_logs()
        yield from _received(self.receiver)
        yield measured("dataflow_http_failed_logins_total", self.delays.failures)
        yield from _connections()

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is depends on the partitions owned, and on a receiver."""
        return ()


@routes("get", "/metrics", AccessRole.METRICS, answer=Content("text/plain", {"type": "string"}))
async def metrics() -> Response:
    """Metrics of this worker, for Prometheus."""
    return Response(body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _states() -> Iterable[Metric]:
    yield measured("dataflow_build_info", {(__version__, str(FORMAT_VERSION)): 1})
    yield measured("dataflow_worker_ready", 0 if not_ready_for() else 1)
    lifecycle = app.engine.lifecycle
    is_recovering = app.takes_partitions and lifecycle.state is EngineState.RECOVERING
    yield measured("dataflow_recovering_seconds", lifecycle.seconds if is_recovering else 0)
    paused = {(topic, pause.cause.value): 1.0 for topic, pause in paused_streams().items()}
    yield measured("dataflow_stream_paused", paused)
    followers = (app.context.filter_rules, app.context.utm_sources)
    yield measured(
        "dataflow_rules_version",
        {each.document.topic: each.version.number for each in followers if each.version is not None},
    )


def _process() -> Iterable[Metric]:
    ends = {}
    for certificate in {context.certificate for context in LIVE if context.certificate is not None}:
        with suppress(OSError, ValueError):  # what is wrong with the file, the log says
            ends[str(certificate)] = expires_at(certificate).timestamp()
    yield measured("dataflow_certificate_expiry_timestamp_seconds", ends)
    limit = MEMORY_LIMIT.read_text().strip() if MEMORY_LIMIT.exists() else ""
    if limit.isdigit():
        yield measured("dataflow_process_memory_limit_bytes", int(limit))


def _access_logs() -> Iterable[Metric]:
    access_logs = app.context.access_logs
    yield measured("dataflow_access_log_unreadable_fields_total", access_logs.unreadable)
    yield measured("dataflow_access_log_wrong_unit", access_logs.has_wrong_unit)


def _received(receiver: Receiver) -> Iterable[Metric]:
    counts = receiver.counts
    for outcome in ("accepted", "dead_lettered"):
        by_topic = {topic: counts[topic, outcome] for topic in RECEIVED_TOPICS}
        yield measured(f"dataflow_http_{outcome}_events_total", by_topic)
    refused = {status: counts[REFUSED, status] for status in _statuses(counts)}
    yield measured("dataflow_http_refused_requests_total", refused)
    yield measured("dataflow_http_in_flight_bytes", receiver.in_flight_bytes)


def _statuses(counts: Mapping[tuple[str, str], int]) -> Iterable[str]:
    return sorted({*STATUSES, *(status for subject, status in counts if subject == REFUSED)})


def _connections() -> Iterable[Metric]:
    connections = app.web.connections
    yield measured("dataflow_http_connections", connections.open)
    yield measured("dataflow_http_crowded_out_requests_total", connections.refused)
    yield measured("dataflow_http_out_of_files_total", connections.out_of_files)
