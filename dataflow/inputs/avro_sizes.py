"""Sizes of Avro values: a parsed schema in; the fewest bytes that a value of it takes out.

A value of `null` takes none, and so do records of such values: a block of no bytes could hold any number.
"""

from collections.abc import Mapping
from typing import Final, cast

_PRIMITIVES: Final = {"null": 0, "float": 4, "double": 8}
_RECORDS: Final = ("record", "error")
_LEAST = 1  # of all others: a length, a number or a sign; and of a record within itself


def fewest_bytes(schema: object, named: dict[str, int] | None = None) -> int:
    """Return the fewest bytes that a value takes; raise ValueError for an array of values that take none."""
    named = {} if named is None else named
    if isinstance(schema, list):  # a union: the place of the type, and the value
        return _LEAST + min((fewest_bytes(each, named) for each in schema), default=0)
    if isinstance(schema, str):
        return named.get(schema, _PRIMITIVES.get(schema, _LEAST))
    return _fewest_of(cast("Mapping[str, object]", schema), named)


def _fewest_of(schema: Mapping[str, object], named: dict[str, int]) -> int:
    kind = schema["type"]
    if kind in _RECORDS:
        named[str(schema["name"])] = _LEAST
        fields = cast("list[Mapping[str, object]]", schema["fields"])
        named[str(schema["name"])] = sum(fewest_bytes(field["type"], named) for field in fields)
        return named[str(schema["name"])]
    if kind == "fixed":
        named[str(schema["name"])] = cast("int", schema["size"])
        return named[str(schema["name"])]
    if kind == "array":
        if not fewest_bytes(schema["items"], named):
            raise ValueError("an array has values that take no bytes")
        return _LEAST
    if kind == "map":
        fewest_bytes(schema["values"], named)
        return _LEAST
    return _LEAST if kind == "enum" else fewest_bytes(kind, named)
