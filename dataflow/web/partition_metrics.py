"""Partition metrics: what a worker tells Prometheus about the partitions and tables that it has."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import inf
from time import time

from prometheus_client.core import Metric

from dataflow.app import Dataflow
from dataflow.engine.tables import WindowedTable
from dataflow.engine.tables.table_partition import TablePartition
from dataflow.metrics import measured

Values = dict[tuple[str, ...], float]

MOST = 100
LONGEST = 80
OTHERS = "(other)"
"""Names that came when there were so many others: Prometheus keeps every label it has ever seen."""


def partition_metrics(app: Dataflow) -> Iterator[Metric]:
    """Yield what is so at this moment."""
    yield from _events(app)
    yield from _progress(app)
    yield from _tables(app)
    yield from _late(app)


def _events(app: Dataflow) -> Iterable[Metric]:
    received, sent, dropped, dead = Values(), Values(), Values(), Values()
    for tp, partition in app.engine.partitions.items():
        place, event_counts = (tp.topic, str(tp.partition)), partition.state.event_counts
        received[place], sent[place] = event_counts.received, event_counts.sent
        dropped |= {(*place, rule): count for rule, count in bounded(event_counts.dropped).items()}
        dead |= {(*place, reason): count for reason, count in event_counts.dead_lettered.items()}
    yield measured("dataflow_received_events_total", received)
    yield measured("dataflow_sent_events_total", sent)
    yield measured("dataflow_dropped_events_total", dropped)
    yield measured("dataflow_dead_lettered_events_total", dead)


def _progress(app: Dataflow) -> Iterator[Metric]:
    """Yield how far streams are behind their topics."""
    lag, committed_lag, freshness, now = Values(), Values(), dict[str, float](), time()
    for tp, partition in app.engine.partitions.items():
        place, end = (tp.topic, str(tp.partition)), app.consumer.highwater(tp) or 0
        lag[place] = max(end - partition.position, 0)
        committed_lag[place] = max(end - max(partition.committed, 0), 0)
        since = partition.committed_record_ms / 1000
        age = max(now - since, 0.0) if committed_lag[place] and since else 0.0
        freshness[tp.topic] = max(freshness.get(tp.topic, 0.0), age)
    yield measured("dataflow_lag_records", lag)
    yield measured("dataflow_committed_lag_records", committed_lag)
    yield measured("dataflow_freshness_seconds", freshness)
    in_flight = sum(partition.in_flight_bytes for partition in app.engine.partitions.values())
    yield measured("dataflow_in_flight_bytes", in_flight)
    yield measured("dataflow_in_flight_limit_bytes", app.engine.options.in_flight_bytes)


def _tables(app: Dataflow) -> Iterable[Metric]:
    yield measured("dataflow_state_memory_bytes", app.engine.memory.size)
    yield measured("dataflow_state_memory_limit_bytes", app.engine.options.state_memory_bytes)
    yield measured("dataflow_table_evicted_keys_total", app.engine.memory.evicted_keys)
    suspended: Counter[str] = Counter({table.name: 0 for table in app.topology.tables})
    for partition in app.engine.partitions.values():
        suspended.update(partition.state.suspended.keys())
    yield measured("dataflow_table_suspended_partitions", suspended)
    keys, watermarks = dict[str, float](), dict[str, float]()
    for table, part in _parts(app):
        keys[table.name] = max(keys.get(table.name, 0), *(store.fullest for store in part.levels.stores))
        if part.watermark >= 0:
            watermarks[table.name] = min(watermarks.get(table.name, inf), part.watermark / 1000)
    yield measured("dataflow_table_keys", keys)
    yield measured("dataflow_table_watermark_timestamp_seconds", watermarks)


def _late(app: Dataflow) -> Iterator[Metric]:
    """Yield the events that no window, or not every one, could take."""
    late, undated, future = Values(), Values(), Values()
    for tp, partition in app.engine.partitions.items():
        for name, part in partition.state.table_partitions.items():
            place, event_time = (name, tp.topic, str(tp.partition)), part.event_time
            late[place] = max(event_time.late.values(), default=0)
            undated[place], future[place] = event_time.undated, event_time.future
    yield measured("dataflow_late_events_total", late)
    yield measured("dataflow_undated_events_total", undated)
    yield measured("dataflow_future_events_total", future)


def _parts(app: Dataflow) -> Iterator[tuple[WindowedTable, TablePartition]]:
    for partition in app.engine.partitions.values():
        for part in partition.state.table_partitions.values():
            yield part.table, part


def bounded(counts: Mapping[str, int]) -> Mapping[str, int]:
    """Return the counts; only the names that came first have labels of their own, and short ones."""
    labelled: Counter[str] = Counter()
    for place, (name, count) in enumerate(counts.items()):
        labelled[name[:LONGEST] if place < MOST else OTHERS] += count
    return labelled
