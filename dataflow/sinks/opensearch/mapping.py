"""Mappings: the types of all fields of an index, derived from the Records of its topics."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from dataflow.catalogue.declared import TOPICS
from dataflow.catalogue.topic import DeclaredTopic, Field
from dataflow.errors import Misconfigured

Mappings = Mapping[str, object]

TIME_FIELD, PLACE_FIELD, OTHER_FIELD, TEXT_FIELD = "@timestamp", "location", "other", "unindexed"
PRIORITY = 250  # templates that Elasticsearch brings along have up to 200
LONGEST = 8_191  # characters; Lucene takes no term of more than 32,766 bytes

FLAT_TYPES: tuple[Mappings, ...] = (
    {"type": "flat_object"},  # OpenSearch 2.7 and later
    {"type": "flattened", "ignore_above": LONGEST},  # Elasticsearch
    {"type": "object", "enabled": False},  # older ones keep it and cannot search in it
)
"""The type of a field with objects of any form, the best first: one field, whatever they hold."""

_KEYWORD: Mappings = {"type": "keyword", "ignore_above": LONGEST}
_DATE: Mappings = {
    "type": "date",
    "format": "strict_date_optional_time_nanos||yyyy-MM-dd HH:mm:ss[.SSSSSS][.SSS]||epoch_millis",
}
_OWN: Mapping[str, Mappings] = MappingProxyType(
    {
        TIME_FIELD: {"type": "date"},
        PLACE_FIELD: {"type": "geo_point"},
        TEXT_FIELD: {"type": "keyword", "index": False, "doc_values": False},  # of any length
    }
)
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


def index_template(prefix: str, topics: Iterable[str], flat: Mappings = FLAT_TYPES[0]) -> Mappings:
    """Return the template of all indices of a prefix; raise `Misconfigured` for a field of two types.

    No document adds a field: those that the Records do not have are in one, `OTHER_FIELD`. A value that does
    not fit its field's type is not indexed, and the rest of the document is. Text is a keyword: it is not
    searched for words.
    """
    properties = {**field_types((TOPICS[topic] for topic in topics if topic in TOPICS), flat), **_OWN}
    return {
        "index_patterns": [f"{prefix}-*"],
        "priority": PRIORITY + len(prefix),  # of two that fit, the longer one is meant
        "template": {
            "settings": {"index.mapping.ignore_malformed": True},
            "mappings": {"dynamic": False, "properties": {**properties, OTHER_FIELD: flat}},
        },
        "_meta": {"made_by": "dataflow"},
    }


def known_fields(topic: str) -> frozenset[str]:
    """Return the fields of a topic's events that have a type of their own."""
    declared = TOPICS.get(topic)
    return frozenset(declared.fields if declared else ()) - {*_OWN, OTHER_FIELD}


def field_types(topics: Iterable[DeclaredTopic], flat: Mappings) -> Mapping[str, Mappings]:
    """Return the types of all fields of these topics; raise `Misconfigured` for a field of two types."""
    types: dict[str, Mappings] = {}
    for topic in topics:
        for name, field in topic.fields.items():
            mapping = _type_of(topic, field, flat)
            if types.setdefault(name, mapping) != mapping:
                raise Misconfigured(
                    f"field {name} of topic {topic.name} is {mapping['type']} in OpenSearch; expected "
                    f"{types[name]['type']}, as in another topic of its prefix, or a prefix of its own"
                )
    return types


def _type_of(topic: DeclaredTopic, field: Field, flat: Mappings) -> Mappings:
    if field.name in topic.index_types:
        return {"type": topic.index_types[field.name]}
    if field.types in _TYPES:
        return {"type": _TYPES[field.types]}
    if topic.event_time and topic.event_time.column == field.name and field.types == {str}:
        return _DATE
    return _KEYWORD if field.types <= {str, int, float, bool} else flat
