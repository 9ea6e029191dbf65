"""Metrics: what Prometheus reads of a worker."""

import re
from collections import defaultdict

from prometheus_client.parser import text_string_to_metric_families

from dataflow.metrics import METRICS

OF_OTHERS = ("dataflow_ingest_", "dataflow_sink_")
"""What workers have that read inputs or run sinks."""


def test_metrics_say_what_the_streams_say(worker):
    """An alert on dead letters or on a stream that stands still has nothing else to go by."""
    answer = worker.get("/metrics")
    samples = [
        sample
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
        if sample.name.startswith("dataflow_")
    ]
    streams = worker.get("/streams").json["streams"]
    for stream, event_counts in streams.items():
        for name, part in (
            ("dataflow_received_events_total", "received"),
            ("dataflow_sent_events_total", "sent"),
            ("dataflow_dropped_events_total", "dropped"),
            ("dataflow_dead_lettered_events_total", "dead_lettered"),
        ):
            counted = sum(
                sample.value
                for sample in samples
                if sample.name == name and sample.labels["stream"] == stream
            )
            assert counted == event_counts[part], (stream, part)
    (memory,) = [sample.value for sample in samples if sample.name == "dataflow_state_memory_bytes"]
    assert 0 < memory < 256 << 20
    (ready,) = [sample.value for sample in samples if sample.name == "dataflow_worker_ready"]
    assert ready == 1


def test_what_a_worker_serves_is_on_the_list_with_its_labels(worker):
    """A dashboard is made of the list: what it names has to be there, and nothing else is found by chance."""
    labels = defaultdict[str, set[str]](set)
    families = text_string_to_metric_families(worker.get("/metrics").body.decode())
    for family in families:
        name = family.name + "_total" * (family.type == "counter")
        if name.startswith("dataflow_") and not name.endswith("_created"):
            labels[name] |= {label for sample in family.samples for label in sample.labels} - {"le"}
    listed = {name: {*metric.labels} for name, metric in METRICS.items()}
    assert {name: served for name, served in labels.items() if served - listed[name]} == {}
    assert [name for name in listed if name not in labels and not name.startswith(OF_OTHERS)] == [
        "dataflow_process_memory_limit_bytes"
    ] * ("dataflow_process_memory_limit_bytes" not in labels)


def test_a_worker_that_has_counted_says_how_far_it_is(worker):
    """Each alert on lag, freshness, checkpoints or keys has nothing else to go by."""
    text = worker.get("/metrics").body.decode()
    found = dict(re.findall(r"^(dataflow_\w+(?:\{[^}]*\})?) (\S+)$", text, re.MULTILINE))
    assert float(found["dataflow_checkpoint_seconds_count"]) > 0
    assert float(found['dataflow_freshness_seconds{stream="expedia"}']) >= 0
    assert float(found['dataflow_changelog_written_bytes_total{stream="expedia"}']) > 0
    assert float(found['dataflow_table_keys{table="stays_per_category"}']) > 0
    assert float(found["dataflow_recovery_left_records"]) == 0
    assert float(found["dataflow_recovering_seconds"]) == 0


def test_metrics_say_how_many_workers_are_wanted(worker):
    """An autoscaler asks for it; one worker is enough for samples that are read long since."""
    worker.wait_for("/metrics", lambda reply: b"\ndataflow_wanted_workers 1.0\n" in reply.body)
