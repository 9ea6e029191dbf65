"""Access log stage: a raw line in, its request, user agent, place and JSON out."""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import msgspec

from dataflow.stages.access_log.lines import LoggedRequest
from dataflow.stages.bounded_cache import BoundedCache
from dataflow.stages.geoip import GeoIP, Place, Replacement
from dataflow.stages.user_agent_fields import LONGEST, UserAgent

F = TypeVar("F", UserAgent, Place)

_encode = msgspec.json.Encoder().encode


class ParsedLine(msgspec.Struct, frozen=True, gc=False):
    """The parts of one line for tables, and all of it as JSON."""

    request: LoggedRequest
    agent: UserAgent
    place: Place
    json: bytes
    """One object with exactly the fields of `models.access_log_entry`, in their order."""


class _Known(NamedTuple, Generic[F]):
    """Fields of a look-up and their JSON, made once for all lines that share them."""

    fields: F
    json: bytes


class AccessLogStage:
    """Parses lines and looks up user agents and addresses, both cached."""

    def __init__(self, parse: Callable[[bytes], LoggedRequest], geoip: GeoIP) -> None:
        self._parse = parse
        self._geoip = geoip
        self._agents = BoundedCache[str | None, _Known[UserAgent]](_look_up_agent)
        self._places = BoundedCache[str | None, _Known[Place]](lambda ip: _known(geoip.place_of(ip), b"}"))

    def read(self, raw: bytes) -> ParsedLine:
        """Return the entry of a line; raise `InvalidEvent` if it is none."""
        request = self._parse(raw)
        text = request.user_agent
        agent, agent_json = self._agents[text and text[:LONGEST]]
        place, place_json = self._places[request.ip]
        json = b",".join((_encode(request)[:-1], agent_json, place_json))
        return ParsedLine(request, agent, place, json)

    def refresh(self) -> list[Replacement]:
        """Use GeoIP databases that have changed on disk; return what became of each."""
        replacements = self._geoip.refresh()
        if replacements:
            self._places.clear()
        return replacements


def _look_up_agent(text: str | None) -> _Known[UserAgent]:
    from dataflow.stages.user_agent import user_agent_of  # its patterns load when the first one is looked up

    return _known(user_agent_of(text))


def _known(fields: F, end: bytes = b"") -> _Known[F]:
    return _Known(fields, _encode(fields)[1:-1] + end)
