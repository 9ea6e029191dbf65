"""What the tests of analytics send: access log and CDN lines, and what is to be counted of each."""

import gzip
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from urllib.parse import unquote

from dataflow.demo.samples import sample_events

ACCESS_SAMPLE = Path(__file__).parents[1] / "data" / "access_logs" / "apache_combined_10k.log.gz"
PARTITIONS = 4
HOUR_MS, DAY_MS = 3_600_000, 86_400_000

NEWEST = datetime(2015, 5, 20, 23, 30, tzinfo=UTC)
LATE = datetime(2015, 5, 18, 6, 30, tzinfo=UTC)
"""Hours after their windows have been closed."""

_TIME = "%d/%b/%Y:%H:%M:%S %z"
_COMBINED = re.compile(r'(\S+) \S+ \S+ \[(.*?)\] "\S+ (\S+?)(?:\?\S*)? [^"]*" (\d+) ')


@dataclass(frozen=True, slots=True)
class Sent:
    """One request, and what is to be counted of it."""

    raw: bytes
    at: datetime | None
    endpoint: str
    client: str
    is_error: bool = False
    is_apart: bool = False
    """Of no time, or of one that nobody believes: only a question without bounds counts it."""


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"


def of_access_sample() -> list[Sent]:
    """Return the sample of 10,000 lines, but the one that is broken off, read by a plain expression."""
    lines = gzip.decompress(ACCESS_SAMPLE.read_bytes()).splitlines()
    return [_of_access_line(raw) for raw in lines if raw.endswith(b'"')]


def _of_access_line(raw: bytes) -> Sent:
    found = _COMBINED.match(raw.decode())
    assert found is not None, raw
    at = datetime.strptime(found[2], _TIME)  # noqa: DTZ007  # with its zone
    return Sent(raw, at, _short(_resource(found[3])), found[1], int(found[4]) >= 500)


def _resource(path: str) -> str:
    """Return the key of a path: decoded once, with one leading slash."""
    decoded = unquote(path, errors="backslashreplace")
    return "/" + decoded.lstrip("/") if path.startswith("/") else decoded


def of_cdn_sample() -> list[Sent]:
    """Return the sample of CDN lines."""
    return [_of_cdn_line(raw) for raw in sample_events("cdn-logs")]


def _of_cdn_line(raw: bytes) -> Sent:
    line = json.loads(raw)
    path = "/" + unquote(line["reqPath"].partition("?")[0].lstrip("/"), errors="backslashreplace")
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(float(line["reqTimeSec"]) * 1000))
    return Sent(raw, at, _short(path), line["cliIP"], int(line["statusCode"]) >= 500)


def access_line(at: datetime, client: str, endpoint: str, status: int) -> Sent:
    """Return a line as Apache writes it."""
    text = f'{client} - - [{at:{_TIME}}] "GET {endpoint} HTTP/1.1" {status} 12 "-" "curl/8"'
    return Sent(text.encode(), at, _short(_resource(endpoint)), client, status >= 500)


def cdn_line(at: datetime, client: str | None, path: str | None, status: str | None, endpoint: str) -> Sent:
    """Return a line of which only this is known."""
    known = {"reqTimeSec": f"{at.timestamp():.3f}", "cliIP": client, "reqPath": path, "statusCode": status}
    raw = json.dumps({name: value for name, value in known.items() if value is not None}).encode()
    known_client = client if client not in (None, "", "-", "^") else None
    return Sent(raw, at, endpoint, known_client or "(none)", (status or "").startswith("5"))


def spread_over_the_last_hours(random: Random) -> tuple[list[Sent], list[Sent]]:
    """Return access and CDN lines in every minute of the last six hours, in their order."""
    access, cdn = [], []
    for minute in range(6 * 60):
        for _ in range(random.randrange(1, 6)):
            at = NEWEST - timedelta(minutes=6 * 60 - minute, milliseconds=-random.randrange(60_000))
            client, path = f"2001:db8::{random.randrange(1, 41):x}", f"/last/{random.randrange(30)}"
            status = random.choice([200, 200, 304, 404, 499, 500, 503])
            second = at.replace(microsecond=0)
            access.append(access_line(second, client, path, status))
            at = at.replace(microsecond=at.microsecond // 1000 * 1000)
            cdn.append(cdn_line(at, client, path.lstrip("/"), str(status), path))
    return access, cdn


def odd_ones() -> tuple[list[Sent], list[Sent]]:
    """Return access and CDN lines that two systems may well count in two ways."""
    at = NEWEST - timedelta(minutes=20)
    long = "/" + "long/" * 60
    access = [
        Sent(f'10.9.9.9 - - [{at:{_TIME}}] "-" 408 - "-" "-"'.encode(), at, "(none)", "10.9.9.9"),
        access_line(at, "10.9.9.9", long, 500),
        access_line(at, "host.example.org", "/caf\u00e9/%2F\u65e5", 200),
        access_line(at, "10.9.9.9", "(none)", 200),
        access_line(at, "10.9.9.9", "//A%20B", 200),
        replace(access_line(at, "2001:DB8:0::0", "/zeros", 200), client="2001:db8::"),
        replace(access_line(at, "[2001:db8::0]:443", "/port", 500), client="2001:db8::"),
        replace(access_line(at, "::ffff:10.9.9.9", "/mapped", 500), client="10.9.9.9"),
        access_line(NEWEST, "10.9.9.9", "/at-the-end", 503),
    ]
    cdn = [
        cdn_line(at, "-", "a%ffb", "200", "/a\\xffb"),
        cdn_line(at, None, None, None, "(none)"),
        cdn_line(at, "^", "^", "-", "(none)"),
        cdn_line(at, "10.9.9.9", "-", "500", "/"),
        cdn_line(at, "10.9.9.9", "A B", "500", "/A B"),
        cdn_line(at, "", "", "599", "/"),
        cdn_line(at, "10.9.9.9", "nul%00nul", "500", "/nul%00nul"),
        cdn_line(at, "10.9.9.9", long + "x", "404", _short(long + "x")),
        cdn_line(at, "10.9.9.9", "%E6%97%A5?q=1", "500", "/\u65e5"),
    ]
    return access, cdn


def set_apart(now: datetime) -> tuple[list[Sent], list[Sent]]:
    """Return lines without a time that anybody believes; `now` is when they are sent."""
    ahead = now + timedelta(days=3)
    access = [_apart(access_line(ahead, "10.8.8.8", "/ahead", 500))]
    access.append(_apart(access_line(datetime(1970, 2, 1, tzinfo=UTC), "10.8.8.8", "/before", 500)))
    undated = Sent(b'{"cliIP":"10.8.8.8","reqPath":"/undated"}', None, "/undated", "10.8.8.8", is_apart=True)
    return access, [_apart(cdn_line(ahead, "10.8.8.8", "ahead", "500", "/ahead")), undated]


def late_ones() -> tuple[list[Sent], list[Sent]]:
    """Return lines of which all windows are closed already, but that of all time."""
    return [access_line(LATE, "10.7.7.7", "/late", 500)], [cdn_line(LATE, "10.7.7.7", "late", "500", "/late")]


def _apart(sent: Sent) -> Sent:
    return Sent(sent.raw, sent.at, sent.endpoint, sent.client, sent.is_error, is_apart=True)


def everything(now: datetime) -> tuple[list[Sent], list[Sent]]:
    """Return all access log and all CDN lines, in the order in which they are sent."""
    spread, odd = spread_over_the_last_hours(Random(1)), odd_ones()
    samples = of_access_sample(), of_cdn_sample()
    late, apart = late_ones(), set_apart(now)
    access, cdn = (
        [
            *sorted([*samples[stream], *spread[stream]], key=_time_of),
            *odd[stream],
            *late[stream],
            *apart[stream],
        ]
        for stream in (0, 1)
    )
    return access, cdn


def _time_of(sent: Sent) -> datetime:
    assert sent.at is not None
    return sent.at


def counted(every: Sequence[Sent], start_ms: int | None, end_ms: int | None) -> list[Sent]:
    """Return those that a range has; all without bounds."""
    if start_ms is None and end_ms is None:
        return list(every)
    return [
        sent
        for sent in every
        if sent.at is not None
        and not sent.is_apart
        and (start_ms is None or sent.at.timestamp() * 1000 >= start_ms)
        and (end_ms is None or sent.at.timestamp() * 1000 < end_ms)
    ]


def ranked(keys: Counter[str]) -> list[tuple[str, int]]:
    """Return keys and counts, the greatest first, equal ones by key."""
    return sorted(keys.items(), key=lambda pair: (-pair[1], pair[0]))
