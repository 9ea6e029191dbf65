"""Metrics: what Prometheus reads of a worker."""

from prometheus_client.parser import text_string_to_metric_families


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
