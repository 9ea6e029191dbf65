"""Access log stage: a raw line in, its request, user agent, place and JSON out."""

from collections.abc import Callable

import msgspec

from dataflow.stages.access_log.lines import LoggedRequest
from dataflow.stages.bounded_cache import LONGEST_KEY, BoundedCache
from dataflow.stages.geoip import GeoIP, Place, Replacement

_encode = msgspec.json.Encoder().encode


class ParsedLine(msgspec.Struct, frozen=True, gc=False):
    """The parts of one line for tables, and all of it as JSON."""

    request: LoggedRequest
    place: Place
    json: bytes
    """One object with exactly the fields of `models.access_log_entry`, in their order."""


class AccessLogStage:
    """Parses lines and looks up user agents and addresses: the JSON of each is made once, and remembered."""

    def __init__(self, parse: Callable[[bytes], LoggedRequest], geoip: GeoIP) -> None:
        self._parse = parse
        self._geoip = geoip
        self._agents = BoundedCache[str | None, bytes](_agent_json)
        self._places = BoundedCache[str | None, tuple[Place, bytes]](self._place_of)

    def read(self, raw: bytes) -> ParsedLine:
        """Return the entry of a line; raise `InvalidEvent` if it is none."""
        request = self._parse(raw)
        text = request.user_agent
        agent_json = self._agents[text and text[:LONGEST_KEY]]
        place, place_json = self._places[request.ip]
        return ParsedLine(request, place, b",".join((_encode(request)[:-1], agent_json, place_json)))

    def refresh(self) -> list[Replacement]:
        """Use GeoIP databases that have changed on disk; return what became of each."""
        replacements = self._geoip.refresh()
        if replacements:
            self._places.clear()
        return replacements

    def _place_of(self, ip: str | None) -> tuple[Place, bytes]:
        place = self._geoip.place_of(ip)
        return place, _encode(place)[1:]


def _agent_json(text: str | None) -> bytes:
    from dataflow.stages.user_agent import user_agent_of  # its patterns load when the first one is looked up

    return _encode(user_agent_of(text))[1:-1]
