"""Odd values: reads records of which a value is not of its field's type, as the tables count these, too."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import faust
import msgspec

from dataflow.catalogue.topic import Field, fields_of
from dataflow.engine.decoding import fault_of
from dataflow.errors import UNREADABLE

_MOST = 2**63

_members_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_value_of = msgspec.json.Decoder(str | int | float | bool | None).decode


def compile_odd_values(
    record: type[faust.Record], names: Sequence[str]
) -> Callable[[Exception, bytes | None], SimpleNamespace]:
    """Return what reads the fields `names` of a record that cannot be decoded strictly.

    A column of text takes the JSON of what is no text, one of whole numbers ``12.0``, and null for other
    fractions. The function is given the error of the decoder, and raises `InvalidEvent` if there is still a
    value of a wrong type.
    """
    fields = [fields_of(record)[name] for name in names]

    def read(error: Exception, raw: bytes | None) -> SimpleNamespace:
        if not isinstance(error, msgspec.ValidationError) or raw is None:
            raise fault_of(error, raw) from error
        try:
            members = _members_of(raw)
            return SimpleNamespace(**{field.name: _read(field, members.get(field.name)) for field in fields})
        except (TypeError, *UNREADABLE):
            raise fault_of(error, raw) from error

    return read


def _read(field: Field, sent: msgspec.Raw | None) -> object:
    if sent is None or sent == b"null":
        if field.is_optional:
            return None
        raise TypeError(field.name)
    try:
        value = _value_of(sent)
    except msgspec.ValidationError:  # an object, or an array
        value = sent
    if type(value) in field.types or (type(value) is int and float in field.types):
        return value
    if str in field.types:
        return bytes(sent).decode()
    if int in field.types and isinstance(value, float) and field.is_optional:
        return int(value) if value.is_integer() and abs(value) < _MOST else None
    raise TypeError(field.name)
