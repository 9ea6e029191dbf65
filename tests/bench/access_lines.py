"""The input of the access log rows: the sample's lines at a steady pace; in, what must come out of them.

The lines are taken apart anew here, by the packages as they come: what is compared with them
shares no code.
"""

import gzip
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import maxminddb
import user_agents
from counted_requests import CountedRequest

DATA = Path(__file__).parents[1] / "data"
CITY, ASN = (DATA / "geoip" / f"GeoLite2-{kind}-Test.mmdb" for kind in ("City", "ASN"))
START = datetime(2015, 5, 17, 10, 5, tzinfo=UTC)
PER_SECOND = 1_000

_LINE = re.compile(r'(\S+) (\S+) (\S+) \[[^\]]+\] "(\S+) (\S+) (\S+)" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)"')
_ADDED_BY_PLACE = ("country", "country_name", "region", "city", "latitude", "longitude", "asn", "as_org")

Told = dict[str, Any]
"""The fields of a line, all but `ts` and `is_bot`, in their order."""


@cache
def sample() -> list[bytes]:
    """Return the lines as they were logged."""
    return gzip.decompress((DATA / "access_logs/apache_combined_10k.log.gz").read_bytes()).splitlines()


def access_lines(events: int) -> Iterator[bytes]:
    """Yield so many lines, the sample again and again, as a server with a thousand a second logs them."""
    around = [(line[: line.index(b"[") + 1], line[line.index(b"]") :]) for line in sample()]
    for number, (before, after) in enumerate(islice(cycle(around), events)):
        yield before + _logged(number // PER_SECOND) + after


@lru_cache
def _logged(second: int) -> bytes:
    return (START + timedelta(seconds=second)).strftime("%d/%b/%Y:%H:%M:%S +0000").encode()


@cache
def told_by_line() -> list[Told | None]:
    """Return what each line of the sample tells; None for the one that is cut off."""
    return [_told(line.decode()) for line in sample()]


def parsed(events: int) -> Iterator[tuple[datetime, Told]]:
    """Yield time and fields of each line that is whole."""
    for number, told in zip(count(), islice(cycle(told_by_line()), events), strict=False):
        if told is not None:
            yield START + timedelta(seconds=number // PER_SECOND), told


def broken(events: int) -> int:
    """Return how many of so many lines are cut off."""
    return sum(told is None for told in islice(cycle(told_by_line()), events))


def counted(events: int) -> Iterator[CountedRequest]:
    """Yield what tables count of each line."""
    for at, told in parsed(events):
        yield CountedRequest(
            int(at.timestamp()), _resource(str(told["endpoint"])), str(told["status"]),
            int(told["bytes"] or 0), told["ip"], told["country"], None,
        )  # fmt: skip


@cache
def bots() -> frozenset[str]:
    """Return the user agents that the package calls bots; there may be more."""
    texts = Counter(told["user_agent"] for told in told_by_line() if told)
    return frozenset(text for text in texts if text and _agent(text).is_bot)


@lru_cache(None)
def _agent(text: str) -> user_agents.parsers.UserAgent:
    return user_agents.parse(text)


def _told(line: str) -> Told | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    ip, ident, user, method, target, protocol, status, size, referer, agent = found.groups()
    endpoint, _, query = target.partition("?")
    return {
        "ip": ip, "host": None, "ident": _known(ident), "user": _known(user), "method": method,
        "endpoint": endpoint, "query": query or None, "protocol": protocol, "status": int(status),
        "bytes": None if size == "-" else int(size), "referer": _known(referer), "user_agent": _known(agent),
        "response_time_ms": None, **_by_agent(_known(agent)), **_by_address(ip),
    }  # fmt: skip


def _resource(path: str) -> str:
    decoded = unquote(path, errors="backslashreplace")
    return "/" + decoded.lstrip("/") if path.startswith("/") else decoded


def _known(text: str) -> str | None:
    return None if text in ("-", "", "Other") else text


def _by_agent(text: str | None) -> Told:
    if text is None:
        return dict.fromkeys(("ua_device", "ua_os", "ua_os_version", "ua_browser", "ua_browser_version"))
    agent = _agent(text)
    is_dalvik = text.startswith("Dalvik/")  # a telephone, which the package takes for a tablet
    kinds = (
        (agent.is_tablet and not is_dalvik, "tablet"),
        (agent.is_mobile or is_dalvik, "mobile"),
        (agent.is_pc, "pc"),
    )
    return {
        "ua_device": next((name for holds, name in kinds if holds), "other"),
        "ua_os": _known(agent.os.family),
        "ua_os_version": _known(agent.os.version_string),
        "ua_browser": _known(agent.browser.family),
        "ua_browser_version": _known(agent.browser.version_string),
    }


@lru_cache(None)
def _by_address(ip: str) -> Told:
    city: Any = _reader(CITY).get(ip) or {}
    network: Any = _reader(ASN).get(ip) or {}
    country, regions = city.get("country", {}), city.get("subdivisions", [{}])
    values = (
        country.get("iso_code"), country.get("names", {}).get("en"), regions[0].get("names", {}).get("en"),
        city.get("city", {}).get("names", {}).get("en"), city.get("location", {}).get("latitude"),
        city.get("location", {}).get("longitude"), network.get("autonomous_system_number"),
        network.get("autonomous_system_organization"),
    )  # fmt: skip
    return dict(zip(_ADDED_BY_PLACE, values, strict=True))


@cache
def _reader(path: Path) -> maxminddb.Reader:
    return maxminddb.open_database(path, maxminddb.MODE_MEMORY)
