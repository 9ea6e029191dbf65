"""Page views: pages shown to visitors of a web site, with the marketing that brought them."""

from dataflow.catalogue.stream import GeneratorKind, Stream
from dataflow.catalogue.topic import DeclaredTopic, PostgresTable
from dataflow.engine.event_time import EventTime
from dataflow.stages.event_time import iso_ms
from dataflow.stages.source_category import COLUMNS, read_view
from models.categorized_view import CategorizedView
from models.page_view import PageView

_SHOWN = EventTime("event_timestamp", iso_ms)

RAW_WEB_EVENTS = DeclaredTopic("raw-web-events", "page views", PageView, _SHOWN)

ENRICHED_WEB_EVENTS = DeclaredTopic(
    "enriched-web-events",
    "page views with source category and e-mail domain",
    CategorizedView,
    _SHOWN,
    table=PostgresTable("page_views", without=("referer_url_scheme", "referer_url_port", "os_timezone")),
    index_types={"ip_address": "ip", "referer_url_port": "integer"},
)

STREAM = Stream(
    "web-events",
    RAW_WEB_EVENTS,
    (ENRICHED_WEB_EVENTS,),
    columns=COLUMNS,
    check=read_view,
    ingest_number=2,
    generator=GeneratorKind("page-views", "page_views:PageViews"),
)
