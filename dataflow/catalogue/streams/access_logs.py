"""Access logs: lines of web servers, parsed."""

from dataflow.catalogue.stream import GeneratorKind, Stream
from dataflow.catalogue.topic import DeclaredTopic, PostgresTable
from dataflow.engine.event_time import EventTime
from dataflow.stages.event_time import iso_ms
from dataflow.stages.request import REQUEST_COLUMNS, resource_of
from models.access_log_entry import AccessLogEntry

ACCESS_LOGS = DeclaredTopic("access-logs", "access log lines of web servers, as they are written")

ACCESS_LOGS_PARSED = DeclaredTopic(
    "access-logs-parsed",
    "access log lines as JSON, with user agent and place",
    AccessLogEntry,
    EventTime("ts", iso_ms),
    # `SELECT user` is the user of the database: the column has another name.
    table=PostgresTable("web_logs", renamed={"user": "user_name"}, stored_as={"endpoint": resource_of}),
    index_types={"status": "integer"},
)

STREAM = Stream(
    "access-logs",
    ACCESS_LOGS,
    (ACCESS_LOGS_PARSED,),
    counted_at=EventTime("at_ms", int),
    columns=REQUEST_COLUMNS,
    ingest_number=1,
    keeps_sender=True,
    generator=GeneratorKind("access-logs", "access_logs:AccessLogs"),
)
