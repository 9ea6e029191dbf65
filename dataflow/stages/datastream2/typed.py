"""Typed form: a raw DataStream 2 line in, JSON with typed values under the names of `fields` out."""

from operator import itemgetter

import msgspec

from dataflow.stages.bounded_cache import BoundedCache
from dataflow.stages.datastream2.fields import DERIVED, FIELDS, FieldKind
from dataflow.stages.datastream2.sent import Unknown, read
from dataflow.stages.datastream2.values import (
    Crumb,
    Value,
    breadcrumbs_of,
    endpoint_of,
    text_of,
    time_of,
    user_agent_text,
    version_of,
)

_KEYS = list(FIELDS)
_NAMES = (*(name for name, _ in FIELDS.values()), *DERIVED)

_TIME, _PATH, _AGENT, _VERSION, _BREADCRUMBS, _CACHE_STATUS = map(
    _KEYS.index, ("reqTimeSec", "reqPath", "UA", "version", "breadcrumbs", "cacheStatus")
)
_durations_of = itemgetter(*map(_KEYS.index, ("turnAroundTimeMSec", "reqEndTimeMSec", "transferTimeMSec")))
_TEXTS = [
    index
    for index, (_, kind) in enumerate(FIELDS.values())
    if kind is FieldKind.TEXT and index not in (_PATH, _AGENT, _BREADCRUMBS)
]
_HITS: dict[Value, bool] = {1: True, 0: False}

_Typed = msgspec.defstruct("Typed", [(name, object, msgspec.UNSET) for name in _NAMES], gc=False)
_encode = msgspec.json.Encoder().encode

_texts: BoundedCache[str, str | None] = BoundedCache(text_of)
_endpoints: BoundedCache[str, str | None] = BoundedCache(endpoint_of)
_agents: BoundedCache[str, str | None] = BoundedCache(user_agent_text)
_versions: BoundedCache[str, str | int | None] = BoundedCache(version_of)


def parse_datastream2(raw: bytes) -> bytes:
    """Return a line in its typed form, the fields of `models.cdn_log_entry`; raise `InvalidEvent`."""
    sent, unknown = read(raw)
    values: list[Value | list[Crumb]] = list(sent)
    for index in _TEXTS:
        text = sent[index]
        # Only a short text can be a form of *no value*, only one with % is encoded.
        if type(text) is str and ("%" in text or len(text) < 2):
            values[index] = _texts[text]
    values[_TIME] = time_of(sent[_TIME])
    if type(path := sent[_PATH]) is str:
        values[_PATH] = _endpoints[path]
    if type(agent := sent[_AGENT]) is str:
        values[_AGENT] = _agents[agent]
    if type(version := sent[_VERSION]) is str:
        values[_VERSION] = _versions[version]
    if type(crumbs := sent[_BREADCRUMBS]) is str:
        values[_BREADCRUMBS] = breadcrumbs_of(crumbs)
    turnaround, request_end, transfer = _durations_of(sent)
    try:
        duration_ms = turnaround + request_end + transfer
    except TypeError:  # one is not known, and a part is not the whole
        duration_ms = None
    values += duration_ms, duration_ms, _HITS.get(sent[_CACHE_STATUS])
    typed = _encode(_Typed(*values))
    return _with_unknown(typed, unknown) if unknown else typed


def _with_unknown(typed: bytes, unknown: Unknown) -> bytes:
    kept = (
        b",%b:%b" % (_encode(f"sent_{key}" if key in _NAMES else key), value)
        for key, value in unknown.items()
    )
    return typed[:-1] + b"".join(kept) + b"}"
