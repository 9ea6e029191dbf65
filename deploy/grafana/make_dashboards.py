"""Dashboards of Grafana: run as a script, writes those of the panels below."""
# ruff: noqa: INP001 - a script of its own

import json
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent / "dashboards"
COLUMNS, WIDTH, HEIGHT = 2, 12, 8

Query = tuple[str, str]
"""An expression, and what its legend says."""


class Panel:
    """A chart: its title, the unit of its numbers, and what it shows."""

    def __init__(self, title: str, unit: str, *queries: Query) -> None:
        self.title, self.unit, self.queries = title, unit, queries


def rate(metric: str, *by: str) -> str:
    """Return how much a counter grows a second, by these labels."""
    return f"sum by ({', '.join(by)}) (rate({metric}[$__rate_interval]))"


def told(metric: str, *by: str) -> str:
    """Return the same of one that every worker tells of the whole cluster; it is read once a minute."""
    return f"max by ({', '.join(by)}) (rate({metric}[5m]))"


def an_hour(metric: str, *by: str) -> str:
    """Return how much a counter has grown in an hour, by these labels."""
    return f"sum by ({', '.join(by)}) (increase({metric}[1h]))"


def quantile(share: float, histogram: str, *by: str) -> str:
    """Return what such a share of the measured values is below, by these labels."""
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', *by, 'le')})"


COUNTED = 'dataflow_table_key_total{aggregation="count"}'
FAILED = 'dataflow_table_key_total{aggregation="errors"}'
ENDED = "dataflow_stream_events_total"
REBALANCE = "dataflow_rebalance_seconds"

DASHBOARDS = {
    "workers": [
        Panel("Ready", "short", ("dataflow_worker_ready", "{{instance}}")),
        Panel(
            "Releases",
            "short",
            (
                "count by (version, changelog_format) (dataflow_build_info)",
                "{{version}}, {{changelog_format}}",
            ),
        ),
        Panel("Recovering for", "s", ("dataflow_recovering_seconds", "{{instance}}")),
        Panel("Records left to restore", "short", ("dataflow_recovery_left_records", "{{instance}}")),
        Panel("Rebalances an hour", "short", (an_hour(f"{REBALANCE}_count", "instance"), "{{instance}}")),
        Panel("Seconds of a rebalance, 90 %", "s", (quantile(0.9, REBALANCE, "instance"), "{{instance}}")),
        Panel(
            "Session restarts an hour",
            "short",
            (an_hour("dataflow_session_restarts_total", "cause"), "{{cause}}"),
        ),
        Panel(
            "Loop delay, 99 %",
            "s",
            (quantile(0.99, "dataflow_loop_delay_seconds", "instance"), "{{instance}}"),
        ),
        Panel(
            "Memory of tables",
            "bytes",
            ("dataflow_state_memory_bytes", "{{instance}}"),
            ("max(dataflow_state_memory_limit_bytes)", "limit"),
        ),
        Panel(
            "Memory of the process",
            "bytes",
            ('process_resident_memory_bytes{job=~"(.+/)?dataflow"}', "{{instance}}"),
            ("max(dataflow_process_memory_limit_bytes)", "limit"),
        ),
        Panel(
            "CPU",
            "percentunit",
            (rate('process_cpu_seconds_total{job=~"(.+/)?dataflow"}', "instance"), "{{instance}}"),
        ),
        Panel(
            "Days until certificates end",
            "d",
            ("(dataflow_certificate_expiry_timestamp_seconds - time()) / 86400", "{{instance}} {{file}}"),
        ),
        Panel("Refused files", "short", ("dataflow_file_refused", "{{instance}} {{file}}")),
        Panel(
            "Topics that differ",
            "short",
            ("max by (topic, subject) (dataflow_topic_differences)", "{{topic}} {{subject}}"),
        ),
    ],
    "streams": [
        Panel(
            "Events received a second",
            "short",
            (rate("dataflow_received_events_total", "stream"), "{{stream}}"),
        ),
        Panel("Events sent a second", "short", (rate("dataflow_sent_events_total", "stream"), "{{stream}}")),
        Panel(
            "Events dropped a second, by rule",
            "short",
            (rate("dataflow_dropped_events_total", "stream", "rule"), "{{stream}} {{rule}}"),
        ),
        Panel(
            "Dead letters a second, by reason",
            "short",
            (rate("dataflow_dead_lettered_events_total", "stream", "reason"), "{{stream}} {{reason}}"),
        ),
        Panel("Freshness", "s", ("max by (stream) (dataflow_freshness_seconds)", "{{stream}}")),
        Panel(
            "Lag",
            "short",
            ("sum by (stream) (dataflow_lag_records)", "{{stream}}"),
            ("sum by (stream) (dataflow_committed_lag_records)", "{{stream}}, committed"),
        ),
        Panel("Paused", "short", ("max by (stream, cause) (dataflow_stream_paused)", "{{stream}} {{cause}}")),
        Panel(
            "Records lost an hour", "short", (an_hour("dataflow_lost_records_total", "stream"), "{{stream}}")
        ),
        Panel(
            "Seconds of a checkpoint, 50 and 99 %",
            "s",
            *((quantile(share, "dataflow_checkpoint_seconds"), f"{share}") for share in (0.5, 0.99)),
        ),
        Panel(
            "Failed checkpoints an hour",
            "short",
            (an_hour("dataflow_checkpoint_failures_total", "cause"), "{{cause}}"),
        ),
        Panel(
            "Bytes in flight",
            "bytes",
            ("dataflow_in_flight_bytes", "{{instance}}"),
            ("max(dataflow_in_flight_limit_bytes)", "limit"),
        ),
        Panel(
            "Bytes to changelogs a second",
            "Bps",
            (rate("dataflow_changelog_written_bytes_total", "stream"), "{{stream}}"),
        ),
    ],
    "ingest-and-sinks": [
        Panel(
            "Events over HTTP a second",
            "short",
            (rate("dataflow_http_accepted_events_total", "topic"), "{{topic}}"),
        ),
        Panel(
            "Refused requests a second",
            "short",
            (rate("dataflow_http_refused_requests_total", "status"), "{{status}}"),
        ),
        Panel(
            "Seconds of a request, 99 %",
            "s",
            (quantile(0.99, "dataflow_http_request_seconds", "method", "route"), "{{method}} {{route}}"),
        ),
        Panel("Bytes of requests in flight", "bytes", ("dataflow_http_in_flight_bytes", "{{instance}}")),
        Panel(
            "Lines of inputs a second",
            "short",
            (rate("dataflow_ingest_lines_total", "stream", "outcome"), "{{stream}} {{outcome}}"),
        ),
        Panel(
            "Records stored a second",
            "short",
            (rate("dataflow_sink_stored_records_total", "sink"), "{{sink}}"),
        ),
        Panel("Lag of sinks", "short", ("sum by (sink) (dataflow_sink_lag_records)", "{{sink}}")),
        Panel(
            "Lag of sinks, in time",
            "s",
            ("max by (sink) (dataflow_sink_lag_seconds)", "{{sink}}"),
            ("min(dataflow_topic_retention_seconds)", "retention"),
        ),
        Panel("Outage of sinks", "s", ("max by (sink) (dataflow_sink_retrying_seconds)", "{{sink}}")),
        Panel(
            "Rejected records a second",
            "short",
            (rate("dataflow_sink_rejected_records_total", "sink"), "{{sink}}"),
        ),
        Panel(
            "Busy with writes",
            "percentunit",
            (rate("dataflow_sink_writing_seconds_total", "sink", "instance"), "{{sink}} {{instance}}"),
        ),
    ],
    "tables": [
        Panel(
            "Rows a second of the top keys",
            "short",
            ("topk(20, " + told(COUNTED, "table", "key") + ")", "{{table}} {{key}}"),
        ),
        Panel(
            "Share of errors",
            "percentunit",
            (
                told(FAILED, "table", "key") + " / " + told(COUNTED, "table", "key"),
                "{{table}} {{key}}",
            ),
        ),
        Panel(
            "Share of dead letters",
            "percentunit",
            (
                told(ENDED + '{outcome="dead_lettered"}', "stream")
                + " / "
                + told(ENDED + '{outcome="received"}', "stream"),
                "{{stream}}",
            ),
        ),
        Panel(
            "Rows of the last closed window",
            "short",
            ("topk(20, dataflow_table_window_rows)", "{{table}} {{key}}"),
        ),
        Panel("Answered in full", "short", ("min by (table) (dataflow_table_answers)", "{{table}}")),
        Panel("Keys of the fullest window", "short", ("max by (table) (dataflow_table_keys)", "{{table}}")),
        Panel(
            "Share of (other)", "percentunit", ("max by (table) (dataflow_table_other_ratio)", "{{table}}")
        ),
        Panel(
            "Watermark behind the clock",
            "s",
            ("time() - min by (table) (dataflow_table_watermark_timestamp_seconds)", "{{table}}"),
        ),
        Panel(
            "Late, undated and future events a second",
            "short",
            *(
                (rate(f"dataflow_{kind}_events_total", "table"), "{{table}} " + kind)
                for kind in ("late", "undated", "future")
            ),
        ),
        Panel(
            "Suspended partitions",
            "short",
            ("sum by (table) (dataflow_table_suspended_partitions)", "{{table}}"),
        ),
        Panel(
            "Missing partitions of answers a second",
            "short",
            (rate("dataflow_query_missing_partitions_total", "topic"), "{{topic}}"),
        ),
    ],
}
"""The panels of each dashboard, by the name of its file."""


def dashboard(name: str, panels: Sequence[Panel]) -> dict[str, object]:
    """Return a dashboard as Grafana reads it."""
    return {
        "uid": f"dataflow-{name}",
        "title": f"Dataflow: {name.replace('-', ' ')}",
        "tags": ["dataflow"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "utc",
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _panel(number: int, panel: Panel) -> dict[str, object]:
    source = {"type": "prometheus", "uid": "prometheus"}
    row, column = divmod(number, COLUMNS)
    return {
        "id": number + 1,
        "title": panel.title,
        "type": "timeseries",
        "datasource": source,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": source, "expr": expr, "legendFormat": legend}
            for place, (expr, legend) in enumerate(panel.queries)
        ],
    }


def text_of(name: str) -> str:
    """Return the file of a dashboard."""
    return json.dumps(dashboard(name, DASHBOARDS[name]), indent=2) + "\n"


if __name__ == "__main__":
    for each in DASHBOARDS:
        (FOLDER / f"{each}.json").write_text(text_of(each))
