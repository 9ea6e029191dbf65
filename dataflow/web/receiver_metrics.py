"""Receiver metrics: what has come in over HTTP since the start, for Prometheus."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dataflow.catalogue.declared import RECEIVED_TOPICS
from dataflow.sources.receiver import REFUSED, Receiver

STATUSES = ("400", "401", "403", "413", "415", "429", "503")
"""All that a refusal may have; those that never were are there, too, so that their first rise is seen."""


class ReceiverCollector(Collector):
    """Counts of this worker since it started; no label holds what a sender has sent."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def collect(self) -> Iterable[Metric]:
        """Yield what is so at this moment."""
        yield from self._events()
        yield self._refused_requests()
        yield CounterMetricFamily(
            "dataflow_http_failed_logins", "Wrong passwords and tokens.", value=self.receiver.failed_logins
        )
        yield GaugeMetricFamily(
            "dataflow_http_in_flight_bytes",
            "Bytes of requests that are not answered; senders get 429 at the bound.",
            value=self.receiver.in_flight_bytes,
        )

    def _events(self) -> Iterable[Metric]:
        accepted = CounterMetricFamily(
            "dataflow_http_accepted_events", "Events over HTTP that are in their topic.", labels=["topic"]
        )
        dead = CounterMetricFamily(
            "dataflow_http_dead_lettered_events",
            "Events over HTTP that could not be used, by the topic they were meant for: "
            "look at the dead letters of stage ingest.",
            labels=["topic"],
        )
        for topic in RECEIVED_TOPICS:
            accepted.add_metric([topic], self.receiver.counts[topic, "accepted"])
            dead.add_metric([topic], self.receiver.counts[topic, "dead_lettered"])
        return accepted, dead

    def _refused_requests(self) -> Metric:
        refused = CounterMetricFamily(
            "dataflow_http_refused_requests",
            "Requests that were refused, by status: 429 and 503 come again, after another 4XX a sender "
            "drops its batch.",
            labels=["status"],
        )
        for status in STATUSES:
            refused.add_metric([status], self.receiver.counts[REFUSED, status])
        return refused

    def describe(self) -> Iterable[Metric]:
        """Return nothing: asking what there is needs a receiver."""
        return ()
