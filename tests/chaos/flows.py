"""The three flows by hand: an event in, what must become of it out.

It shares no code with the program but one: whether a user agent is that of a bot, which has tests of its own.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from dataflow.demo.samples import sample_filter_rules
from dataflow.stages.user_agent import is_bot

CATEGORIES = {
    "google": "search_engine",
    "bing": "search_engine",
    "facebook": "social_media",
    "instagram": "social_media",
    "mailchimp": "email_marketing",
}


@dataclass(frozen=True)
class Counted:
    """What one table counts of an event."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)
    """By summary: numbers are added up, members of `distinct_…` are counted once."""


@dataclass(frozen=True)
class Outcome:
    """Where an event ends."""

    outputs: Mapping[str, bytes]
    """Values by topic; none if it is dropped."""
    at_ms: int = 0
    """Event time, ms since 1970 UTC."""
    tables: Mapping[str, Counted] = field(default_factory=dict)
    dropped_by: str | None = None


@cache
def outcome(stream: str, raw: bytes) -> Outcome:
    """Return what must become of a sample event."""
    flow = {"cdn-logs": _line, "expedia": _booking, "raw-web-events": _view}[stream]
    return flow(raw, json.loads(raw))


def stay_category(check_in: str | None, check_out: str | None) -> str:
    """Return the category by the nights between two dates."""
    try:
        nights = (date.fromisoformat(check_out or "") - date.fromisoformat(check_in or "")).days
    except ValueError:
        nights = 0
    limits = ((1, "Erroneous data"), (5, "Short stay"), (11, "Standard stay"))
    longer = ((15, "Standard extended stay"), (10**9, "Long stay"))
    return next(name for limit, name in limits + longer if nights < limit)


def _booking(raw: bytes, sent: Mapping[str, Any]) -> Outcome:
    category = stay_category(sent["srch_ci"], sent["srch_co"])
    hotel = sent["hotel_id"]
    return Outcome(
        {
            "expedia_ext": _with(raw, stay_category=category),
            "expedia_test": json.dumps({"hotel_id": hotel, "stay_category": category}).encode(),
        },
        _utc_ms(sent["date_time"]),
        {"stays_per_category": Counted(category, {"distinct_hotels": hotel})},
    )


def _view(raw: bytes, sent: Mapping[str, Any]) -> Outcome:
    source, user = sent["utm_source"], sent["user_custom_id"]
    added = {}
    if source:
        added["source_category"] = CATEGORIES.get(source, "other/unknown")
    if user is not None:
        added["user_email_domain"] = user.rsplit("@", 1)[1] if "@" in user else "n/a"
    users = {"distinct_users": user}
    return Outcome(
        {"enriched-web-events": _with(raw, **added)},
        _utc_ms(sent["event_timestamp"]),
        {
            "views_per_source_category": Counted(added.get("source_category", "(none)"), users),
            "views_per_page": Counted(sent["page_url_path"] or "(none)", users),
        },
    )


def _line(raw: bytes, sent: Mapping[str, Any]) -> Outcome:
    for rule in _rules():
        value, wanted = sent.get(rule["fieldName"]), rule.get("include", False)
        if wanted if value is None else wanted != _matches(rule, value):
            return Outcome({}, dropped_by=rule.get("name", f"rule-{rule['number']}:{rule['fieldName']}"))
    status = sent["statusCode"]
    sums = {"bytes": int(sent["bytes"]), "errors": int(int(status) >= 500)}
    clients = {**sums, "distinct_clients": sent["cliIP"]}
    path = "/" + unquote(sent["reqPath"].split("?")[0].lstrip("/"), errors="backslashreplace")
    return Outcome(
        {"cdn-logs-filtered": raw},
        int(Decimal(sent["reqTimeSec"]) * 1000),
        {
            "requests_per_endpoint": Counted(path, clients),
            "requests_per_status": Counted(status, sums),
            "requests_per_kind": Counted(_kind(sent), sums),
            "requests_per_country": Counted(sent["country"], clients),
            "requests_per_site": Counted(f"{status} {sent['country']} {sent['reqHost']}", sums),
            "requests_per_referer": Counted(_referring_host(sent.get("referer")), {}),
            "top_clients": Counted(sent["cliIP"], sums),
        },
    )


def _kind(sent: Mapping[str, Any]) -> str:
    agent = unquote(sent["UA"])
    client = "-" if agent in ("", "-", "^") else "bot" if is_bot(agent) else "person"
    return f"{sent['reqMethod']} {'hit' if sent['cacheStatus'] == '1' else 'miss'} {client}"


def _referring_host(referer: str | None) -> str:
    return (urlsplit(unquote(referer)).hostname or "(no URL)") if referer else "(none)"


@cache
def _rules() -> list[dict[str, Any]]:
    return [{**r, "number": n} for n, r in enumerate(json.loads(sample_filter_rules().read_bytes()), start=1)]


def _matches(rule: Mapping[str, Any], value: object) -> bool:
    return re.fullmatch(rule["regex"], str(value)) is not None


def _with(raw: bytes, **fields: str) -> bytes:
    if not fields:
        return raw
    return raw[:-1] + b", " + json.dumps(fields).encode()[1:]


def _utc_ms(text: str) -> int:
    at = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return int(at.timestamp()) * 1000 + at.microsecond // 1000
