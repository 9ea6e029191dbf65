"""Metrics: what Prometheus reads of a worker."""

import re
from collections import defaultdict

from prometheus_client.parser import text_string_to_metric_families

from dataflow.instants import iso
from dataflow.metrics import GROUPS, METRICS

OF_OTHERS = ("dataflow_ingest_", "dataflow_sink_")
"""What workers have that read inputs or run sinks."""

OF_TABLES = GROUPS["Counts of tables and streams"]
"""What is at /metrics/tables."""


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
    listed = {name: {*metric.labels} for name, metric in METRICS.items() if name not in OF_TABLES}
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


def table_samples(worker) -> dict[tuple[str, ...], float]:
    """Return what /metrics/tables has, by name and labels in the order of the list."""
    text = worker.get("/metrics/tables").body.decode()
    return {
        (sample.name, *(sample.labels[label] for label in METRICS[sample.name].labels)): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_chosen_tables_say_what_the_tables_say(worker):
    """Prometheus alarms on these numbers; people look at those."""
    found = table_samples(worker)
    [window] = worker.get("/tables/requests_per_status").json["windows"]
    entries = {entry["key"]: entry for entry in window["entries"]}
    for aggregation in ("count", "bytes", "errors"):
        name = "requests_per_status", aggregation
        assert found["dataflow_table_total", *name] == sum(each[aggregation] for each in entries.values())
        shown = {
            key[-1]: value for key, value in found.items() if key[:-1] == ("dataflow_table_key_total", *name)
        }
        assert len(shown) >= min(3, len(entries))
        assert shown == {key: entries[key][aggregation] for key in shown}
    assert found["dataflow_table_answers", "requests_per_status"] == 1
    assert found["dataflow_table_other_ratio", "requests_per_status"] == 0


def test_the_last_closed_window_is_final(worker):
    """What is alarmed on it is exact; nothing is added to it any more."""
    found = table_samples(worker)
    place = "requests_per_status", "hour"
    end = iso(int(found["dataflow_table_window_end_timestamp_seconds", *place] * 1000))
    windows = worker.get("/tables/requests_per_status?window=hour&limit=1000").json["windows"]
    assert all(window["closed"] is (window["end"] <= end) for window in windows)
    entries = next((window["entries"] for window in windows if window["end"] == end), [])
    of_window = ("dataflow_table_window_rows", *place)
    shown = {key[-1]: rows for key, rows in found.items() if key[:-1] == of_window and rows}
    assert len(shown) == min(3, len(entries))
    assert shown.items() <= {entry["key"]: entry["count"] for entry in entries}.items()


def test_chosen_tables_have_a_bounded_number_of_series(worker):
    """Prometheus keeps every key that it has ever seen."""
    found = table_samples(worker)
    keys = {
        labels[-1]
        for name, *labels in found
        if name == "dataflow_table_key_total" and labels[0] == "top_clients"
    }
    assert 3 <= len(keys) <= 6
    tables = {labels[0] for name, *labels in found if name.startswith("dataflow_table_")}
    assert tables == {"requests_per_status", "top_clients", "stays_per_category"}


def test_streams_of_the_cluster_say_what_the_streams_say(worker):
    """The share of dead letters is one by the other."""
    found = table_samples(worker)
    for stream, counts in worker.get("/streams").json["streams"].items():
        for outcome, count in counts.items():
            assert found["dataflow_stream_events_total", stream, outcome] == count, (stream, outcome)


def test_a_scrape_costs_less_than_a_hundredth_of_a_core(worker):
    """Every 15 seconds, of all streams. It is CPU time, so a busy machine changes nothing."""

    def cpu_seconds() -> float:
        text = worker.get("/metrics").body.decode()
        return float(re.findall(r"^process_cpu_seconds_total (\S+)$", text, re.MULTILINE)[0])

    before, scrapes = cpu_seconds(), 20
    for _ in range(scrapes - 1):
        worker.get("/metrics")
    assert (cpu_seconds() - before) / scrapes < 0.15
