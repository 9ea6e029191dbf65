"""Garbage: the name of a source topic in; odd events, and where each must end, out."""

import json
from dataclasses import dataclass
from functools import cache

from chaos.flows import outcome

from dataflow.demo.samples import sample_events

MEGABYTE = 990_000  # bytes; with what is added still less than the broker's limit
OUTPUT_OF = {
    "cdn-logs": "cdn-logs-filtered",
    "expedia": "expedia_ext",
    "raw-web-events": "enriched-web-events",
}


@dataclass(frozen=True)
class Case:
    """An event, and where it must end."""

    what: str
    raw: bytes | None
    ends: str
    """``sent``, or the reason of a dead letter, or the rule that drops it."""
    out: bytes | None = None
    """What is sent on."""


@cache
def good(stream: str) -> bytes:
    """Return a sample event that is sent on."""
    return next(raw for raw in sample_events(stream) if outcome(stream, raw).outputs)


def changed(stream: str, **fields: object) -> bytes:
    """Return a good event with other values."""
    return json.dumps(json.loads(good(stream)) | fields).encode()


def with_stay(raw: bytes, category: str) -> bytes:
    """Return a booking as it must come out."""
    return raw[:-1] + b', "stay_category": "' + category.encode() + b'"}'


def with_source(raw: bytes, category: str = "search_engine") -> bytes:
    """Return a view as it must come out; the good one came from a search for bing."""
    added = f', "source_category": "{category}", "user_email_domain": "gmail.com"}}'
    return raw[:-1] + added.encode()


def passed(stream: str, raw: bytes) -> bytes:
    """Return an event that differs from the good one only where no stage looks, as it must come out."""
    return outcome(stream, good(stream)).outputs[OUTPUT_OF[stream]].replace(good(stream)[:-1], raw[:-1])


def of_size(stream: str, size: int) -> bytes:
    """Return a good event of so many bytes."""
    filled = changed(stream, filling="")
    return filled.replace(b'"filling": ""', b'"filling": "' + b"x" * (size - len(filled)) + b'"')


def garbage(stream: str) -> list[Case]:
    """Return what can be in any topic."""
    event, deep = good(stream), 163_000
    largest, unread = of_size(stream, MEGABYTE), changed(stream, unread="é 🙂", more=1.50)
    return [
        Case("plain text", b"hello", "not_json"),
        Case("not UTF-8", event.replace(b'": "', b'": "\xff', 1), "not_utf8"),
        Case("not UTF-8 in a field nobody reads", event[:-1] + b', "x": "\xc3"}', "not_utf8"),
        Case("truncated", event[:-20], "not_json"),
        Case("two events in one", event + event, "not_json"),
        Case("a byte order mark before it", b"\xef\xbb\xbf" + event, "not_json"),
        Case(
            "half a surrogate pair",
            event[:-1] + b', "x": "\\ud800"}',
            "sent",
            passed(stream, event[:-1] + b', "x": "\\ufffd"}'),
        ),
        Case("a number", b"42", "not_an_object"),
        Case("a string", b'"event"', "not_an_object"),
        Case("an array", b"[" + event + b"]", "not_an_object"),
        Case("null as JSON", b"null", "not_an_object"),
        Case("no value", None, "empty"),
        Case("no bytes", b"", "empty"),
        Case("white space", b" \r\n", "empty"),
        Case("1 MB of nested objects", b'{"a":' * deep + b"1" + b"}" * deep, "too_deep"),
        Case(
            "1 MB of nested arrays",
            event[:-1] + b', "x": ' + b"[" * 480_000 + b"]" * 480_000 + b"}",
            "too_deep",
        ),
        Case("1 MB, valid", largest, "sent", passed(stream, largest)),
        Case("unknown fields", unread, "sent", passed(stream, unread)),
    ]


def bookings() -> list[Case]:
    """Return what only bookings can have."""
    event = good("expedia")
    impossible, backwards = changed("expedia", srch_ci="2161-10-00"), changed("expedia", srch_co="1990-01-01")
    twice = event[:-1] + b', "srch_co": "2018-09-01"}'
    there, doubled = b'{"stay_category": "x", "a": 1.0}', b'{"stay_category":1,"a":[ ],"stay_category":{}}'
    future = changed("expedia", date_time="9999-12-31 23:59:59")
    before = changed("expedia", date_time="1969-07-20 20:17:40")
    undated = changed("expedia", date_time="soon")
    return [
        Case("a wrong type", changed("expedia", hotel_id="one"), "wrong_type"),
        Case("a wrong type in a date", changed("expedia", srch_ci=20170901), "wrong_type"),
        Case("a number without end", event.replace(b"3033581225260", b"1e999"), "wrong_type"),
        Case("no such day", impossible, "sent", with_stay(impossible, "Erroneous data")),
        Case("out before in", backwards, "sent", with_stay(backwards, "Erroneous data")),
        Case("no fields", b"{}", "sent", b'{"stay_category": "Erroneous data"}'),
        Case("a field twice, the last counts", twice, "sent", with_stay(twice, "Long stay")),
        Case("category there", there, "sent", b'{"stay_category": "Erroneous data", "a": 1.0}'),
        Case("category there twice", doubled, "sent", b'{"stay_category":"Erroneous data","a":[ ]}'),
        Case("of the far future", future, "sent", with_stay(future, "Short stay")),
        Case("of 1969", before, "sent", with_stay(before, "Short stay")),
        Case("of no time", undated, "sent", with_stay(undated, "Short stay")),
    ]


def views() -> list[Case]:
    """Return what only page views can have."""
    there = (
        b'{"user_email_domain": 7, "utm_source": "google", "user_custom_id": "a@b.c", "source_category": []}'
    )
    replaced = (
        b'{"user_email_domain": "b.c", "utm_source": "google", "user_custom_id": "a@b.c",'
        b' "source_category": "search_engine"}'
    )
    future = changed("raw-web-events", event_timestamp="9999-12-31 23:59:59.5")
    before = changed("raw-web-events", event_timestamp="1969-07-20 20:17:40.0")
    number = changed("raw-web-events", utm_source=5)
    return [
        Case("a number in place of a text", number, "sent", with_source(number, "other/unknown")),
        Case("a wrong type of time", changed("raw-web-events", event_timestamp=5), "wrong_type"),
        Case("a wrong type in a key", changed("raw-web-events", page_url_path=["/"]), "wrong_type"),
        Case("no fields", b" { } ", "sent", b" { } "),
        Case("fields there", there, "sent", replaced),
        Case("of the far future", future, "sent", with_source(future)),
        Case("of 1969", before, "sent", with_source(before)),
    ]


def lines() -> list[Case]:
    """Return what only lines of the CDN can have."""
    odd = {
        "numbers for texts": changed("cdn-logs", statusCode=200, bytes=-5, reqTimeSec=1431857103.606),
        "values of no kind that is known": changed("cdn-logs", bytes={}, reqTimeSec=[1]),
        "a bad percent code": changed("cdn-logs", reqPath="%zz%ff%00"),
        "of the far future": changed("cdn-logs", reqTimeSec="99999999999999.000"),
        "of 1969": changed("cdn-logs", reqTimeSec="-14182940"),
        "the same field twice": good("cdn-logs")[:-1] + b', "statusCode": "404"}',
    }
    return [
        *(Case(what, raw, "sent", raw) for what, raw in odd.items()),
        Case("a status that is none", changed("cdn-logs", statusCode="abc"), "rule-3:statusCode"),
        Case("a status of a wrong type", changed("cdn-logs", statusCode=[200]), "rule-3:statusCode"),
        Case("no fields", b"{}", "rule-3:statusCode"),
        Case("a bot", changed("cdn-logs", UA="Googlebot/2.1"), "bots"),
    ]


OWN = {"cdn-logs": lines, "expedia": bookings, "raw-web-events": views}
CASES = {
    stream: [
        Case("good, before", good(stream), "sent", passed(stream, good(stream))),
        *garbage(stream),
        *own(),
        Case("good, after", good(stream), "sent", passed(stream, good(stream))),
    ]
    for stream, own in OWN.items()
}
