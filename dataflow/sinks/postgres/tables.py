"""Tables in PostgreSQL: which topic's records each takes, and what of a record in which column."""

from collections.abc import Mapping
from dataclasses import dataclass

import faust

from dataflow.sinks.records import CategorizedBooking, CategorizedView
from dataflow.topics import ANALYTICS_EVENTS, CDN_LOGS_PARSED, ENRICHED_WEB_EVENTS, EXPEDIA_EXT
from models.access_log_entry import AccessLogEntry
from models.analytics_event import AnalyticsEvent
from models.cdn_log_entry import CdnLogEntry

ACCESS_LOGS_PARSED = "access-logs-parsed"


@dataclass(frozen=True, slots=True)
class Table:
    """One table. Beside `columns` (column: field) it has topic, partition, offset, day and ts."""

    name: str
    topic: str
    record: type[faust.Record]
    time: str
    """Field with the event time, ISO 8601, UTC where it names no offset."""
    columns: Mapping[str, str]
    numbers: frozenset[str] = frozenset()
    """Columns of numbers that are sent as text."""


def _same(names: str) -> dict[str, str]:
    return {name: name for name in names.split()}


_REQUEST = "ip host method endpoint query protocol status bytes referer user_agent response_time_ms"
_PLACE = "country region city asn"

TABLES = (
    Table(
        "web_logs", ACCESS_LOGS_PARSED, AccessLogEntry, "ts",
        # `SELECT user` is the user of the database: the column has another name.
        _same(f"{_REQUEST} {_PLACE} country_name ident as_org latitude longitude is_bot ua_device ua_os "
              "ua_os_version ua_browser ua_browser_version") | {"user_name": "user"},
    ),
    Table(
        "stays", EXPEDIA_EXT, CategorizedBooking, "date_time",
        _same("id user_id site_name posa_container user_location_country user_location_region "
              "user_location_city orig_destination_distance is_mobile is_package channel srch_ci srch_co "
              "srch_adults_cnt srch_children_cnt srch_rm_cnt srch_destination_id srch_destination_type_id "
              "hotel_id stay_category"),
    ),
    Table(
        "page_views", ENRICHED_WEB_EVENTS, CategorizedView, "event_timestamp",
        _same("event_id event_type page_url page_url_path referer_url referer_medium utm_medium utm_source "
              "utm_content utm_campaign click_id geo_latitude geo_longitude geo_country geo_timezone "
              "geo_region_name ip_address browser_name browser_user_agent browser_language os os_name "
              "device_type device_is_mobile user_custom_id user_domain_id source_category user_email_domain"),
        frozenset({"geo_latitude", "geo_longitude"}),
    ),
    Table("analytics_events", ANALYTICS_EVENTS, AnalyticsEvent, "created_on", _same("device_id event_type")),
    Table(
        "cdn_requests", CDN_LOGS_PARSED, CdnLogEntry, "ts",
        _same(f"{_REQUEST} {_PLACE} stream_id cp_code request_id total_bytes content_type tls_version "
              "error_code is_cache_hit turnaround_ms time_to_first_byte_ms edge_ip server_country"),
    ),
)  # fmt: skip
