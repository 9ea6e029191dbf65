"""Members of a JSON object: raw bytes in, each top-level name and value as its own bytes out."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from dataflow.errors import InvalidEvent, Reason

_SPACE = rb"[ \t\r\n]*+"  # possessive: white space before no member would be cut in two at each of its bytes
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_OPEN = re.compile(_SPACE + rb"\{")
_CLOSE = re.compile(_SPACE + rb"\}")
_MEMBER = re.compile(
    rb"(%b,?%b)(%b)(%b:%b)(%b|[^ \t\r\n\"{}\[\],:]++)?" % (_SPACE, _SPACE, _STRING, _SPACE, _SPACE, _STRING),
    re.DOTALL,
)
_BRACKET = re.compile(_STRING + rb"|[{}\[\]\"]", re.DOTALL)


class Member(NamedTuple):
    """One name and value, as sent."""

    name: str
    lead: bytes
    """The comma and the white space before the name."""
    label: bytes
    """The name in its quotes, the colon and the white space around it."""
    value: bytes


@dataclass(frozen=True, slots=True)
class JsonObject:
    """An object taken apart; `head`, the members and `rest` joined are the object again."""

    head: bytes
    """All before the first member: white space and the opening brace."""
    members: tuple[Member, ...]
    """In their order, duplicates too."""
    rest: bytes
    """All behind the last value: white space and the closing brace."""

    def rewrite(self, value_of: Callable[[Member], bytes | None], more: bytes = b"") -> bytes:
        """Return the object with the values that `value_of` gives and the members `more`.

        None takes the member out, with the comma and the white space before it. `more`
        goes behind the last value. Every other byte stays.
        """
        members = [(m, value) for m in self.members if (value := value_of(m)) is not None]
        pieces = [self.head]
        for number, (member, value) in enumerate(members):
            lead = member.lead if number else self.members[0].lead
            pieces += lead, member.label, value
        pieces += b", " if members and more else b"", more, self.rest
        return b"".join(pieces)


def take_apart(raw: bytes) -> JsonObject:
    """Take a JSON object apart into its top-level members.

    `raw` is trusted to be valid JSON; what is plainly no object raises `InvalidEvent`.
    """
    opened = _OPEN.match(raw)
    if opened is None:
        raise InvalidEvent(Reason.NOT_AN_OBJECT, "value is no object; expected a JSON object")
    members: list[Member] = []
    at = opened.end()
    while match := _MEMBER.match(raw, at):
        lead, name, colon, scalar = match.groups()
        at = match.end() if scalar else _end_of_member(raw, match.end())
        value = scalar or raw[match.end() : at]
        members.append(Member(_text(name), lead, name + colon, value))
    if _CLOSE.match(raw, at) is None:
        raise InvalidEvent(Reason.NOT_JSON, f"value breaks off at byte {at}; expected a member")
    return JsonObject(opened[0], tuple(members), raw[at:])


def _end_of_member(raw: bytes, start: int) -> int:
    end = end_of_nested(raw, start)
    if end is None:
        raise InvalidEvent(Reason.NOT_JSON, f"value at byte {start} never ends; expected a bracket")
    return end


def end_of_nested(raw: bytes, start: int) -> int | None:
    """Return where the object or array ends that begins at `start`; None if it never does."""
    depth = 0
    for bracket in _BRACKET.finditer(raw, start):
        if bracket[0] in (b"{", b"["):
            depth += 1
        elif bracket[0] in (b"}", b"]"):
            depth -= 1
        elif bracket[0] == b'"':  # of a string that never ends: to go on would try each quote behind it
            return None
        if depth <= 0:
            return bracket.end()
    return None


def _text(name: bytes) -> str:
    try:
        return str(orjson.loads(name)) if b"\\" in name else name[1:-1].decode()
    except ValueError as error:
        raise InvalidEvent(Reason.NOT_JSON, f"field name is {name!r}; {error}") from error


def drop_fields(raw: bytes, names: frozenset[str]) -> bytes:
    """Return `raw`, a valid JSON object, without the top-level fields `names`.

    A field goes with the comma and the white space before it; every other byte stays.
    """
    return take_apart(raw).rewrite(lambda member: None if member.name in names else member.value)
