"""Typed form: a raw DataStream 2 line in, JSON with typed values under the names of `fields` out."""

from operator import itemgetter

import msgspec

from dataflow.stages.bounded_cache import BoundedCache
from dataflow.stages.datastream2.fields import DERIVED, FIELDS, FieldKind
from dataflow.stages.datastream2.sent import Unknown, read
from dataflow.stages.datastream2.values import (
    NO_VALUE,
    Crumb,
    Value,
    breadcrumbs_of,
    client_of,
    endpoint_of,
    text_of,
    time_of,
    user_agent_text,
    version_of,
)

_KEYS = list(FIELDS)
_NAMES = (*(name for name, _ in FIELDS.values()), *DERIVED)

_TIME, _CLIENT, _PATH, _AGENT, _VERSION, _BREADCRUMBS, _CACHE_STATUS = map(
    _KEYS.index, ("reqTimeSec", "cliIP", "reqPath", "UA", "version", "breadcrumbs", "cacheStatus")
)
_durations_of = itemgetter(*map(_KEYS.index, ("turnAroundTimeMSec", "reqEndTimeMSec", "transferTimeMSec")))
_TEXTS = [
    index
    for index, (_, kind) in enumerate(FIELDS.values())
    if kind is FieldKind.TEXT and index not in (_CLIENT, _PATH, _AGENT, _BREADCRUMBS)
]
_NOTHING = (None, *NO_VALUE)
_HITS: dict[Value, bool] = {1: True, 0: False}

_Typed = msgspec.defstruct("Typed", [(name, object, msgspec.UNSET) for name in _NAMES], gc=False)
_encode = msgspec.json.Encoder().encode

_texts: BoundedCache[str, str | None] = BoundedCache(text_of)
_clients: BoundedCache[str, str | None] = BoundedCache(client_of)
_endpoints: BoundedCache[str, str | None] = BoundedCache(endpoint_of)
_agents: BoundedCache[str, str | None] = BoundedCache(user_agent_text)
_versions: BoundedCache[str, str | int | None] = BoundedCache(version_of)
_CACHED = (_CLIENT, _clients), (_PATH, _endpoints), (_AGENT, _agents), (_VERSION, _versions)


def parse_datastream2(raw: bytes) -> bytes:
    """Return a line in its typed form, the fields of `models.cdn_log_entry`.

    What one field holds never costs the line: what cannot be read is null, and follows as it was sent.
    Raises `InvalidEvent` for what is no JSON object.
    """
    sent, unknown = read(raw)
    values: list[Value | list[Crumb]] = list(sent)
    for index in _TEXTS:
        text = sent[index]
        # Only a short text can be a form of *no value*, only one with % is encoded.
        if type(text) is str and ("%" in text or len(text) < 2):
            values[index] = _texts[text]
    for index, values_of in _CACHED:
        if type(text := sent[index]) is str:
            values[index] = values_of[text]
    values[_TIME], values[_BREADCRUMBS] = time, crumbs = time_of(sent[_TIME]), _crumbs_of(sent[_BREADCRUMBS])
    turnaround, request_end, transfer = _durations_of(sent)
    try:
        duration_ms = turnaround + request_end + transfer
    except TypeError:  # one is not known, and a part is not the whole
        duration_ms = None
    values += duration_ms, duration_ms, _HITS.get(sent[_CACHE_STATUS])
    if time is None or crumbs is None:
        unknown = unknown | _unread(sent, values)
    typed = _encode(_Typed(*values))
    return _with_unknown(typed, unknown) if unknown else typed


def _crumbs_of(value: Value) -> Value | list[Crumb]:
    return breadcrumbs_of(value) if type(value) is str else value


def _unread(sent: tuple[Value, ...], values: list[Value | list[Crumb]]) -> Unknown:
    """Return the time and the breadcrumbs as they were sent, if they could not be read."""
    return {
        _KEYS[index]: msgspec.Raw(_encode(sent[index]))
        for index in (_TIME, _BREADCRUMBS)
        if values[index] is None and sent[index] not in _NOTHING
    }


def _with_unknown(typed: bytes, unknown: Unknown) -> bytes:
    kept = (
        b",%b:%b" % (_encode(f"sent_{key}" if key in _NAMES else key), value)
        for key, value in unknown.items()
    )
    return typed[:-1] + b"".join(kept) + b"}"
