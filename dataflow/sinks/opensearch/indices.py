"""Indices: their names by day, and their templates, derived from the Records of the topics."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from dataflow.catalogue.declared import TOPICS
from dataflow.catalogue.topic import DeclaredTopic
from dataflow.errors import Misconfigured
from dataflow.instants import datetime_of

Mappings = Mapping[str, object]

_PREFIX = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")

TIME_FIELD, PLACE_FIELD = "@timestamp", "location"

_KEYWORD: Mappings = {"type": "keyword", "ignore_above": 8_191}  # Lucene takes no longer term
_DATE: Mappings = {
    "type": "date",
    "format": "strict_date_optional_time_nanos||yyyy-MM-dd HH:mm:ss[.SSSSSS][.SSS]||epoch_millis",
}
_TYPES: Mapping[frozenset[object], str] = MappingProxyType(
    {
        frozenset([bool]): "boolean",
        frozenset([int]): "long",
        frozenset([str, int]): "long",  # numbers that are sent as text become numbers
        frozenset([float]): "double",
        frozenset([int, float]): "double",
        frozenset([str, float]): "double",
    }
)


def index_name(prefix: str, at_ms: int) -> str:
    """Return the index of the day, UTC, of an instant in ms."""
    return f"{prefix}-{datetime_of(at_ms):%Y.%m.%d}"


def instant(at_ms: int) -> str:
    """Return an instant in ms as documents hold it: ISO 8601, UTC, always with milliseconds."""
    return datetime_of(at_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
    """Return the template of all indices of a prefix. Text is a keyword: it is not searched for words."""
    own = {TIME_FIELD: {"type": "date"}, PLACE_FIELD: {"type": "geo_point"}}
    texts = {"texts": {"match_mapping_type": "string", "mapping": _KEYWORD}}
    return {
        "index_patterns": [f"{prefix}-*"],
        "priority": 100,
        "template": {
            "mappings": {
                "date_detection": False,  # a text that looks like a date once may not the next time
                "dynamic_templates": [texts],
                "properties": {**field_types(TOPICS.values()), **own},
            }
        },
        "_meta": {"made_by": "dataflow"},
    }


def field_types(topics: Iterable[DeclaredTopic]) -> Mapping[str, Mappings]:
    """Return the types of all fields that are not plain text, of those topics that are mapped.

    Raises `Misconfigured` for a field of two types: all indices have one mapping.
    """
    types: dict[str, Mappings] = {}
    for topic in topics:
        for name, mapping in _types_of(topic).items():
            if types.setdefault(name, mapping) != mapping:
                raise Misconfigured(
                    f"field {name} of topic {topic.name} is {mapping['type']} in OpenSearch; "
                    f"expected {types[name]['type']}, as in another topic"
                )
    return types


def _types_of(topic: DeclaredTopic) -> Mapping[str, Mappings]:
    if topic.index_types is None:
        return {}
    of_record = {name: _TYPES.get(field.types) for name, field in topic.fields.items()}
    types: dict[str, Mappings] = {
        name: {"type": kind} for name, kind in {**of_record, **topic.index_types}.items() if kind
    }
    if topic.event_time and topic.event_time.column not in types:
        types[topic.event_time.column] = _DATE
    return types
