"""Page views: generated page views of visitors who look around and sometimes buy."""

import json
import random
from collections.abc import Iterable, Sequence
from itertools import repeat

from dataflow.demo.generators.sessions import Sessions, draws
from dataflow.demo.generators.times import SPACED, microseconds_of
from dataflow.demo.samples import sample_events
from dataflow.stages.bounded_cache import BoundedCache

VISITORS = 3_000
WALKS = 2_000
SKEW = 0.8
SITE = "http://www.dummywebsite.com"

_NEXT = {
    "/home": ("/product_a", "/product_a", "/product_b", "/home", None),
    "/product_a": ("/home", "/product_b", "/cart", None),
    "/product_b": ("/home", "/product_a", "/cart", None),
    "/cart": ("/payment", "/payment", "/home", None),
    "/payment": ("/confirmation", "/confirmation", "/confirmation", "/cart", None),
    "/confirmation": ("/home", None, None, None),
}
"""Where a visitor goes from each page; None: away."""

_PAGES = {
    path: f'","event_type":"pageview","page_url":"{SITE}{path}","page_url_path":"{path}",'.encode()
    for path in _NEXT
}
_OF_ONE_VIEW = ("event_id", "event_timestamp", "event_type", "page_url", "page_url_path")

Step = tuple[bytes, bytes]
"""The page, and all that stays the same in a visit."""


class PageViews:
    """Generates topic ``raw-web-events``."""

    def __init__(self, rng: random.Random, rate: float) -> None:
        self._rng = rng
        self._visitors = draws(rng, _visitors(rng), SKEW)
        self._walks = draws(rng, [_walk(rng) for _ in range(WALKS)])
        self._sessions = Sessions(rng, rate, self._begin)
        self._views = 0

    def lines(self, times_us: Sequence[int]) -> list[bytes]:
        """Return one page view for each time."""
        steps = self._sessions.steps(len(times_us), times_us[0])
        first = self._views
        self._views += len(times_us)
        same = _uuid(self._rng)[8:] + b'","event_timestamp":"'
        ids = map(b'{"event_id":"%08x'.__mod__, range(first, self._views))
        # Many events have their millisecond in common.
        stamps = BoundedCache[int, bytes](lambda ms: same + SPACED[ms // 1_000] + b".%03d" % (ms % 1_000))
        rows = zip(ids, times_us, microseconds_of(times_us), steps, strict=True)
        return [
            b"".join((number, stamps[time_us // 1_000], below, *step))
            for number, time_us, below, step in rows
        ]

    def _begin(self, _now_us: int) -> Iterable[Step]:
        return zip(next(self._walks), repeat(next(self._visitors)), strict=False)


def _walk(rng: random.Random) -> list[bytes]:
    """Return the pages of one visit."""
    path: str | None = "/home"
    pages = []
    while path is not None:
        pages.append(_PAGES[path])
        path = rng.choice(_NEXT[path])
    return pages


def _visitors(rng: random.Random) -> list[bytes]:
    """Return the rest of a page view for each visitor: those of the samples, with addresses of their own."""
    views = map(json.loads, sample_events("raw-web-events"))
    kinds = list({view["user_domain_id"]: view for view in views}.values())
    for view in kinds:
        for field in _OF_ONE_VIEW:
            del view[field]
    visitors = []
    for number in range(VISITORS):
        view = kinds[number % len(kinds)]
        if number >= len(kinds):
            name, _, domain = str(view["user_custom_id"]).rpartition("@")
            view = view | {
                "click_id": _uuid(rng).decode(),
                "ip_address": ".".join(str(part) for part in rng.randbytes(4)),
                "user_custom_id": f"{name}{number}@{domain}",
                "user_domain_id": _uuid(rng).decode(),
            }
        visitors.append(json.dumps(view, separators=(",", ":"))[1:].encode())
    return visitors


def _uuid(rng: random.Random) -> bytes:
    text = rng.randbytes(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}".encode()
