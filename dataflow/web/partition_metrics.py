"""Partition metrics: what a worker tells Prometheus about the partitions and tables that it has."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import Metric

from dataflow.app import Dataflow
from dataflow.metrics import measured

MOST = 100
LONGEST = 80
OTHERS = "(other)"
"""Names that came when there were so many others: Prometheus keeps every label it has ever seen."""


def partition_metrics(app: Dataflow) -> Iterator[Metric]:
    """Yield what is so at this moment."""
    yield from _events(app)
    yield from _tables(app)


def _events(app: Dataflow) -> Iterable[Metric]:
    received, sent, lag = dict[tuple[str, ...], float](), dict[tuple[str, ...], float](), {}
    dropped, dead = dict[tuple[str, ...], float](), dict[tuple[str, ...], float]()
    for tp, partition in app.engine.partitions.items():
        place, event_counts = (tp.topic, str(tp.partition)), partition.state.event_counts
        received[place], sent[place] = event_counts.received, event_counts.sent
        dropped |= {(*place, rule): count for rule, count in bounded(event_counts.dropped).items()}
        dead |= {(*place, reason): count for reason, count in event_counts.dead_lettered.items()}
        lag[place] = max((app.consumer.highwater(tp) or 0) - partition.position, 0)
    yield measured("dataflow_received_events_total", received)
    yield measured("dataflow_sent_events_total", sent)
    yield measured("dataflow_dropped_events_total", dropped)
    yield measured("dataflow_dead_lettered_events_total", dead)
    yield measured("dataflow_lag_records", lag)


def _tables(app: Dataflow) -> Iterable[Metric]:
    yield measured("dataflow_state_memory_bytes", app.engine.memory.size)
    yield measured("dataflow_table_evicted_keys_total", app.engine.memory.evicted_keys)
    suspended: Counter[str] = Counter({table.name: 0 for table in app.topology.tables})
    for partition in app.engine.partitions.values():
        suspended.update(partition.state.suspended.keys())
    yield measured("dataflow_table_suspended_partitions", suspended)


def bounded(counts: Mapping[str, int]) -> Mapping[str, int]:
    """Return the counts; only the names that came first have labels of their own, and short ones."""
    labelled: Counter[str] = Counter()
    for place, (name, count) in enumerate(counts.items()):
        labelled[name[:LONGEST] if place < MOST else OTHERS] += count
    return labelled
