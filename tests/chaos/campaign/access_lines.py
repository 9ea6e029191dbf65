"""Access log lines by hand: a number in; its line, and what must become of it, out."""

import json
import re

from chaos.flows import Counted, Outcome

AT_MS = 1_431_857_100_000  # 2015-05-17 10:05:00
EVERY = 41
AGENT = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 Chrome/32.0.1700.77"
PAGES = 20
_LINE = re.compile(rb'"GET /page/\d+\?n=(\d+) ')


def is_garbage(number: int) -> bool:
    """Tell whether the line of this number is none."""
    return number % EVERY == 7


def line(number: int) -> bytes:
    """Return a line that no other number has; some are garbage."""
    if is_garbage(number):
        return b"garbage %d" % number
    ip, page, status = f"10.0.0.{number % 9}", number % PAGES, 500 if number % 10 == 0 else 200
    at = f"17/May/2015:10:05:{number % 60:02} +0000"
    return f'{ip} - - [{at}] "GET /page/{page}?n={number} HTTP/1.1" {status} {number} "-" "{AGENT}"'.encode()


def number_of(raw: bytes) -> int | None:
    """Return the number of a line; None: it is garbage."""
    found = _LINE.search(raw)
    return None if found is None else int(found[1])


def number_of_output(raw: bytes) -> int:
    """Return the number of a parsed line."""
    entry = json.loads(raw)
    assert entry["bytes"] == int(entry["query"].removeprefix("n=")), entry
    return int(entry["bytes"])


def outcome_of_line(number: int) -> Outcome:
    """Return what tables count of a line."""
    ip, status = f"10.0.0.{number % 9}", "500" if number % 10 == 0 else "200"
    sums = {"bytes": number, "errors": int(status == "500")}
    return Outcome(
        {},
        AT_MS + number % 60 * 1_000,
        {
            "requests_per_endpoint": Counted(f"/page/{number % PAGES}", {**sums, "distinct_clients": ip}),
            "requests_per_status": Counted(status, sums),
            "requests_per_kind": Counted("GET - person", sums),
            "requests_per_country": Counted("(none)", {**sums, "distinct_clients": ip}),
            "requests_per_site": Counted(f"{status} (none) (none)", sums),
            "requests_per_referer": Counted("(none)"),
            "top_clients": Counted(ip, sums),
        },
    )
