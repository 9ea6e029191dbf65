"""CDN logs: lines of Akamai DataStream 2, filtered, and typed where that is asked for."""

from dataflow.catalogue.stream import GeneratorKind, Stream
from dataflow.catalogue.topic import DeclaredTopic, PostgresTable
from dataflow.engine.event_time import EventTime
from dataflow.stages.event_time import epoch_seconds_ms, iso_ms
from dataflow.stages.request import REQUEST_COLUMNS
from models.cdn_log import CdnLog
from models.cdn_log_entry import CdnLogEntry

_SENT = EventTime("reqTimeSec", epoch_seconds_ms)

CDN_LOGS = DeclaredTopic("cdn-logs", "CDN log lines as DataStream 2 sends them", CdnLog, _SENT)

CDN_LOGS_FILTERED = DeclaredTopic(
    "cdn-logs-filtered", "CDN log lines that passed the filter, byte for byte", CdnLog, _SENT
)

CDN_LOGS_PARSED = DeclaredTopic(
    "cdn-logs-parsed",
    "CDN log lines with typed fields",
    CdnLogEntry,
    EventTime("ts", iso_ms),
    table=PostgresTable(
        "cdn_requests",
        only=(
            *("ip", "host", "method", "endpoint", "query", "protocol", "status", "bytes", "referer"),
            *("user_agent", "response_time_ms", "country", "region", "city", "asn", "stream_id", "cp_code"),
            *("request_id", "total_bytes", "content_type", "tls_version", "error_code", "is_cache_hit"),
            *("turnaround_ms", "time_to_first_byte_ms", "edge_ip", "server_country"),
        ),
    ),
)

STREAM = Stream(
    "cdn-logs",
    CDN_LOGS,
    (CDN_LOGS_FILTERED, CDN_LOGS_PARSED),
    counted_at=EventTime("at_ms", int),
    columns=REQUEST_COLUMNS,
    ingest_number=0,
    is_datastream=True,
    generator=GeneratorKind("cdn-logs", "cdn_logs:CdnLogs"),
)
