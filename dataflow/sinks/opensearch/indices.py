"""Indices: topics and prefixes as they are set in; index names by day, and index templates, out."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from dataflow.errors import Misconfigured

Mappings = Mapping[str, object]

_PREFIX = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TIME_FIELD, PLACE_FIELD = "@timestamp", "location"

_KEYWORD: Mappings = {"type": "keyword", "ignore_above": 8_191}  # Lucene takes no longer term
_DATE: Mappings = {
    "type": "date",
    "format": "strict_date_optional_time_nanos||yyyy-MM-dd HH:mm:ss[.SSSSSS][.SSS]||epoch_millis",
}
_TYPES: Mapping[str, Iterable[str]] = MappingProxyType(
    {
        "ip": ("ip_address",),
        "double": ("geo_latitude", "geo_longitude", "latitude", "longitude", "response_time_ms"),
        "integer": ("referer_url_port", "status"),
        "long": ("bytes", "asn"),
        "boolean": ("device_is_mobile", "is_bot"),
    }
)
_DATES = ("event_timestamp", "ts", "created_on")


def index_name(prefix: str, at_ms: int) -> str:
    """Return the index of the day, UTC, of an instant in ms."""
    return f"{prefix}-{_EPOCH + timedelta(milliseconds=at_ms):%Y.%m.%d}"


def instant(at_ms: int) -> str:
    """Return an instant in ms as ISO 8601, UTC."""
    at = _EPOCH + timedelta(milliseconds=at_ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_indices(declared: Iterable[str]) -> Mapping[str, str]:
    """Return the prefix for each topic; raise `Misconfigured` for what is not ``topic=prefix``."""
    indices = {}
    for part in declared:
        topic, _, prefix = part.partition("=")
        if not topic or not _PREFIX.fullmatch(prefix):
            raise Misconfigured(
                f"DATAFLOW_OPENSEARCH_INDICES has {part!r}; expected topic=prefix, "
                f"and a prefix that matches {_PREFIX.pattern}"
            )
        indices[topic] = prefix
    if not indices:
        raise Misconfigured("DATAFLOW_OPENSEARCH_INDICES is empty; expected topic=prefix[,...]")
    return indices


def index_template(prefix: str) -> Mappings:
    """Return the template of all indices of a prefix.

    Text is a keyword: it is filtered and counted, not searched for words. Numbers that are
    sent as text become numbers.
    """
    typed = {name: {"type": kind} for kind, names in _TYPES.items() for name in names}
    dates = dict.fromkeys(_DATES, _DATE)
    own = {TIME_FIELD: {"type": "date"}, PLACE_FIELD: {"type": "geo_point"}}
    texts = {"texts": {"match_mapping_type": "string", "mapping": _KEYWORD}}
    return {
        "index_patterns": [f"{prefix}-*"],
        "priority": 100,
        "template": {
            "mappings": {
                "date_detection": False,  # a text that looks like a date once may not the next time
                "dynamic_templates": [texts],
                "properties": {**typed, **dates, **own},
            }
        },
        "_meta": {"made_by": "dataflow"},
    }
