"""JSON values: raw JSON objects in, the values of some fields as texts out."""

from collections.abc import Callable, Sequence
from operator import attrgetter

import msgspec

Value = str | int | None
Values = Callable[[bytes], Sequence[Value]]
Columns = Callable[[Sequence[bytes]], Sequence[Sequence[Value]]]
Found = msgspec.Raw | msgspec.UnsetType

_members_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_string_of = msgspec.json.Decoder(str).decode


def compile_columns(fields: Sequence[str]) -> Columns:
    """Compile a reader of many objects at once: a column of values for each of `fields`.

    A value is its text as sent: ``1.0`` stays ``1.0``, a string is unescaped, an object or an array is its
    JSON; missing and null are None. A whole number may come as an int, to be read as its digits (``-0`` as
    ``0``). A name with dots is a top-level name, if one is spelt so, else a path through nested objects.
    The reader raises what msgspec raises for what is no JSON object.
    """
    as_sent = _compile_any(fields)
    if any("." in field for field in fields):
        return lambda raws: _columns(fields, list(map(as_sent, raws)))
    names = _attributes(fields)
    decode = _decoder(names, Value, None)
    pickers = [attrgetter(names[field]) for field in fields]

    def values(raw: bytes) -> Sequence[Value]:
        try:  # most values are texts and whole numbers, which are quicker to read
            event = decode(raw)
        except msgspec.ValidationError:
            return as_sent(raw)
        return [pick(event) for pick in pickers]

    def columns(raws: Sequence[bytes]) -> Sequence[Sequence[Value]]:
        try:
            events = list(map(decode, raws))
        except msgspec.ValidationError:
            return _columns(fields, list(map(values, raws)))
        return [list(map(pick, events)) for pick in pickers]

    return columns


def _columns(fields: Sequence[str], rows: Sequence[Sequence[Value]]) -> Sequence[Sequence[Value]]:
    return [[row[place] for row in rows] for place in range(len(fields))]


def _compile_any(fields: Sequence[str]) -> Values:
    heads = [field.partition(".")[0] for field in fields]
    names = _attributes([*fields, *heads])
    decode = _decoder(names, Found, msgspec.UNSET)

    def value_of(event: object, field: str) -> str | None:
        head, *path = field.split(".")
        value = _text(getattr(event, names[field]))
        if path and value is None:
            value = _text(_walk(getattr(event, names[head]), path))
        return value

    def values(raw: bytes) -> Sequence[Value]:
        event = decode(raw)
        return [value_of(event, field) for field in fields]

    return values


def _attributes(fields: Sequence[str]) -> dict[str, str]:
    return {field: f"field_{i}" for i, field in enumerate(dict.fromkeys(fields))}


def _decoder(names: dict[str, str], kind: object, absent: object) -> Callable[[bytes], object]:
    struct = msgspec.defstruct(
        "Values",
        [(attribute, kind, absent) for attribute in names.values()],
        rename={attribute: field for field, attribute in names.items()},
        gc=False,
    )
    return msgspec.json.Decoder(struct).decode


def _walk(value: Found, path: Sequence[str]) -> Found:
    for name in path:
        try:
            value = msgspec.UNSET if value is msgspec.UNSET else _members_of(value)[name]
        except (msgspec.ValidationError, KeyError):  # no object, or none with this name
            return msgspec.UNSET
    return value


def _text(value: Found) -> str | None:
    if value is msgspec.UNSET:
        return None
    sent = bytes(value)
    if sent == b"null":
        return None
    return _string_of(sent) if sent.startswith(b'"') else sent.decode()
