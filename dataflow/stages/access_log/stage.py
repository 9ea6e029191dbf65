"""Access log stage: a raw line in, its request, user agent, place and JSON out."""

from collections import Counter
from typing import Protocol

import msgspec

from dataflow.stages.access_log.lines import DetailedRequest, LoggedRequest
from dataflow.stages.bounded_cache import LONGEST_KEY, BoundedCache
from dataflow.stages.geoip import GeoIP, Place, Replacement
from dataflow.stages.request_kind import client_kind
from models.access_log_entry import AccessLogEntry

_NAMES = frozenset(AccessLogEntry.__annotations__)
_encode = msgspec.json.Encoder().encode


class ParsedLine(msgspec.Struct, frozen=True, gc=False):
    """The parts of one line for tables, and all of it as JSON."""

    request: LoggedRequest
    place: Place
    client_kind: str
    """Whether a person or a bot has asked."""
    json: bytes
    """One object: the fields of `models.access_log_entry` in their order, and what else the line says."""


class LineParser(Protocol):
    """Reads lines, and knows what of them it could not read."""

    @property
    def unreadable(self) -> Counter[str]:
        """How often the text of a field could not be read, by the field; it is null then."""

    @property
    def fault(self) -> str | None:
        """Return why the lines seem to be of another format; null if they do not."""

    def parse(self, raw: bytes) -> LoggedRequest:
        """Return the request that a line tells of; raise `InvalidEvent` if it is none."""


class AccessLogStage:
    """Parses lines and looks up user agents and addresses: the JSON of each is made once, and remembered."""

    def __init__(self, parser: LineParser, geoip: GeoIP) -> None:
        self.parser = parser
        self._parse = parser.parse
        self._geoip = geoip
        self._agents = BoundedCache[str | None, tuple[bytes, str]](_agent_of)
        self._places = BoundedCache[str | None, tuple[Place, bytes]](self._place_of)

    def read(self, raw: bytes) -> ParsedLine:
        """Return the entry of a line; raise `InvalidEvent` if it is none."""
        request = self._parse(raw)
        text = request.user_agent
        agent_json, client = self._agents[text and text[:LONGEST_KEY]]
        place, place_json = self._places[request.ip]
        if type(request) is not LoggedRequest:
            return ParsedLine(request, place, client, _detailed(request, agent_json, place_json))
        return ParsedLine(request, place, client, b",".join((_encode(request)[:-1], agent_json, place_json)))

    def refresh(self) -> list[Replacement]:
        """Use GeoIP databases that have changed on disk; return what became of each."""
        replacements = self._geoip.refresh()
        if replacements:
            self._places.clear()
        return replacements

    def _place_of(self, ip: str | None) -> tuple[Place, bytes]:
        place = self._geoip.place_of(ip)
        return place, _encode(place)[1:]


def _detailed(request: LoggedRequest, agent_json: bytes, place_json: bytes) -> bytes:
    """Return the JSON of a line with what else it says at its end, under names that no field has."""
    assert isinstance(request, DetailedRequest)
    values = [getattr(request, name) for name in LoggedRequest.__struct_fields__]
    more = {f"sent_{name}" if name in _NAMES else name: value for name, value in request.more.items()}
    parts = (_encode(LoggedRequest(*values))[:-1], agent_json, place_json[:-1], _encode(more)[1:])
    return b",".join(parts if more else (*parts[:2], place_json))


def _agent_of(text: str | None) -> tuple[bytes, str]:
    from dataflow.stages.user_agent import user_agent_of  # its patterns load when the first one is looked up

    agent = user_agent_of(text)
    return _encode(agent)[1:-1], client_kind(agent.is_bot)
