"""Metrics: the counts of this worker's partitions, and of what it received over HTTP, for Prometheus."""

from collections import Counter
from collections.abc import Iterable, Mapping

from aiohttp.web import Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dataflow.access.identity import AccessRole
from dataflow.access.login_delays import LoginDelays
from dataflow.app import app
from dataflow.catalogue.declared import RECEIVED_TOPICS
from dataflow.sources.receiver import REFUSED, Receiver
from dataflow.web.health import not_ready_for, paused_streams
from dataflow.web.route import Content, Routes

routes = Routes("Workers")

PLACE = ("stream", "partition")

MOST = 100
LONGEST = 80
OTHERS = "(other)"
"""Names that came when there were so many others: Prometheus keeps every label it has ever seen."""

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
        yield from _partitions()
        yield from _states()
        yield from _rules()
        if app.takes_partitions:
            yield from _access_logs()
        yield _suspended()
        yield from _received(self.receiver)
        yield CounterMetricFamily(
            "dataflow_http_failed_logins", "Wrong passwords and tokens.", value=self.delays.failures
        )
        yield from _connections()

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is depends on the partitions owned, and on a receiver."""
        return ()


def _states() -> Iterable[Metric]:
    yield GaugeMetricFamily(
        "dataflow_worker_ready",
        "1 while this worker does its work; else look at /readyz.",
        value=0 if not_ready_for() else 1,
    )
    paused = GaugeMetricFamily(
        "dataflow_stream_paused",
        "1 while this worker does not read a stream: look at /readyz.",
        labels=("stream", "cause"),
    )
    for topic, pause in paused_streams().items():
        paused.add_metric((topic, pause.cause), 1)
    yield paused
    yield GaugeMetricFamily(
        "dataflow_state_memory_bytes",
        "About how much memory the tables of this worker take.",
        value=app.engine.memory.size,
    )
    yield _counter(
        "dataflow_table_evicted_keys",
        "Keys that are counted as (other) for want of memory: raise DATAFLOW_STATE_MEMORY_BYTES.",
        "table",
        app.engine.memory.evicted_keys,
    )


def _rules() -> Iterable[Metric]:
    rules = GaugeMetricFamily(
        "dataflow_rules_version",
        "The version that this worker uses, by the topic of the document: the same everywhere.",
        labels=("document",),
    )
    for follower in (app.context.filter_rules, app.context.utm_sources):
        if follower.version is not None:
            rules.add_metric((follower.document.topic,), follower.version.number)
    yield rules


def _access_logs() -> Iterable[Metric]:
    access_logs = app.context.access_logs
    yield _counter(
        "dataflow_access_log_unreadable_fields",
        "Fields of access log lines that could not be read, and are null: see DATAFLOW_ACCESS_LOG_FORMAT.",
        "field",
        access_logs.unreadable,
    )
    yield GaugeMetricFamily(
        "dataflow_access_log_wrong_unit",
        "1 if response times cannot be milliseconds: name their unit by DATAFLOW_ACCESS_LOG_FORMAT.",
        value=access_logs.has_wrong_unit,
    )


def _suspended() -> Metric:
    suspended: Counter[str] = Counter({table.name: 0 for table in app.topology.tables})
    for partition in app.engine.partitions.values():
        suspended.update(partition.state.suspended.keys())
    family = GaugeMetricFamily(
        "dataflow_table_suspended_partitions",
        "Partitions of which a table counts nothing: ask /tables/NAME why.",
        labels=["table"],
    )
    for name, count in suspended.items():
        family.add_metric([name], count)
    return family


@routes("get", "/metrics", AccessRole.METRICS, answer=Content("text/plain", {"type": "string"}))
async def metrics() -> Response:
    """Metrics of this worker, for Prometheus."""
    return Response(body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _partitions() -> Iterable[Metric]:
    received = CounterMetricFamily("dataflow_received_events", "Events that came in.", labels=PLACE)
    sent = CounterMetricFamily("dataflow_sent_events", "Events that went on.", labels=PLACE)
    dropped = CounterMetricFamily(
        "dataflow_dropped_events", "Events left out on purpose, by rule.", labels=(*PLACE, "rule")
    )
    dead = CounterMetricFamily(
        "dataflow_dead_lettered_events",
        "Events that could not be used, by reason: look at the dead letters.",
        labels=(*PLACE, "reason"),
    )
    lag = GaugeMetricFamily("dataflow_lag_records", "Records not yet finished.", labels=PLACE)
    for tp, partition in app.engine.partitions.items():
        place, event_counts = (tp.topic, str(tp.partition)), partition.state.event_counts
        received.add_metric(place, event_counts.received)
        sent.add_metric(place, event_counts.sent)
        for rule, count in bounded(event_counts.dropped).items():
            dropped.add_metric((*place, rule), count)
        for reason, count in event_counts.dead_lettered.items():
            dead.add_metric((*place, reason), count)
        lag.add_metric(place, max((app.consumer.highwater(tp) or 0) - partition.position, 0))
    return received, sent, dropped, dead, lag


def bounded(counts: Mapping[str, int]) -> Mapping[str, int]:
    """Return the counts; only the names that came first have labels of their own, and short ones."""
    labelled: Counter[str] = Counter()
    for place, (name, count) in enumerate(counts.items()):
        labelled[name[:LONGEST] if place < MOST else OTHERS] += count
    return labelled


def _received(receiver: Receiver) -> Iterable[Metric]:
    counts = receiver.counts
    yield _counter(
        "dataflow_http_accepted_events",
        "Events over HTTP that are in their topic.",
        "topic",
        {topic: counts[topic, "accepted"] for topic in RECEIVED_TOPICS},
    )
    yield _counter(
        "dataflow_http_dead_lettered_events",
        "Events over HTTP that could not be used, by the topic they were meant for: "
        "look at the dead letters of stage ingest.",
        "topic",
        {topic: counts[topic, "dead_lettered"] for topic in RECEIVED_TOPICS},
    )
    yield _counter(
        "dataflow_http_refused_requests",
        "Requests that were refused, by status: 429 and 503 come again, after another 4XX a sender "
        "drops its batch.",
        "status",
        {status: counts[REFUSED, status] for status in _statuses(counts)},
    )
    yield GaugeMetricFamily(
        "dataflow_http_in_flight_bytes",
        "Bytes of requests that are not answered; senders get 429 at the bound.",
        value=receiver.in_flight_bytes,
    )


def _statuses(counts: Mapping[tuple[str, str], int]) -> Iterable[str]:
    return sorted({*STATUSES, *(status for subject, status in counts if subject == REFUSED)})


def _connections() -> Iterable[Metric]:
    connections = app.web.connections
    yield GaugeMetricFamily(
        "dataflow_http_connections",
        "Connections that were open when the last one came.",
        value=connections.open,
    )
    yield CounterMetricFamily(
        "dataflow_http_crowded_out_requests",
        "Requests that got 503 as too many connections were open: raise the limit of open files (ulimit -n).",
        value=connections.refused,
    )
    yield CounterMetricFamily(
        "dataflow_http_out_of_files",
        "How often no connection could be accepted for want of open files: raise their limit.",
        value=connections.out_of_files,
    )


def _counter(name: str, meaning: str, label: str, counts: Mapping[str, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, meaning, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family
