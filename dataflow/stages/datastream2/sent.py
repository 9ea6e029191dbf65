"""Sent: a raw DataStream 2 line in, its values in the order of `fields` out, numbers read."""

from typing import Annotated

import msgspec

from dataflow.engine.lone_surrogates import replace_lone_surrogates
from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.datastream2.fields import ALWAYS, FIELDS, FieldKind
from dataflow.stages.datastream2.values import NO_VALUE, Value, text_of_number, whole_number

Unknown = dict[str, msgspec.Raw]
"""Keys that are not in `fields`, and their values byte for byte."""

_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_TYPES: dict[FieldKind, object] = {
    FieldKind.TEXT: str | None | msgspec.UnsetType,
    FieldKind.NUMBER: _Int64 | None | msgspec.UnsetType,
    FieldKind.EITHER: str | _Int64 | float | None | msgspec.UnsetType,
}

_FIELDS = [
    (key, _TYPES[kind], None if name in ALWAYS else msgspec.UNSET) for key, (name, kind) in FIELDS.items()
]
_Known = msgspec.defstruct("Known", _FIELDS, gc=False)
_OnlyKnown = msgspec.defstruct("OnlyKnown", _FIELDS, gc=False, forbid_unknown_fields=True)

_NO_UNKNOWN: Unknown = {}
_absent: dict[str, Value] = {key: absent for key, _, absent in _FIELDS}

# Not strict: numbers are sent as texts, and read as such in C.
_decode_known = msgspec.json.Decoder(_Known, strict=False).decode
_decode_only_known = msgspec.json.Decoder(_OnlyKnown, strict=False).decode
_decode_values = msgspec.json.Decoder(Unknown).decode
_decode_value = msgspec.json.Decoder(str | int | float | bool | None).decode


def read(raw: bytes) -> tuple[tuple[Value, ...], Unknown]:
    """Return the values of the known keys; the unknown ones, and those that cannot be read, as sent.

    A value that is not of its key's kind is null: what one field holds never costs the line.
    Raises `InvalidEvent` if it is no JSON object.
    """
    try:
        return msgspec.structs.astuple(_decode_only_known(raw)), _NO_UNKNOWN
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raw = replace_lone_surrogates(raw)
        values = _values_of(raw)
    kept = {key: value for key, value in values.items() if key not in FIELDS}
    try:
        return msgspec.structs.astuple(_decode_known(raw)), kept
    except msgspec.MsgspecError:  # a number that is `-`, a text that is sent as a number, or a fault
        return tuple([_value_of(key, values, kept) for key in FIELDS]), kept


def _value_of(key: str, values: Unknown, kept: Unknown) -> Value:
    if key not in values:
        return _absent[key]
    try:
        return _typed(key, _decode_value(values[key]))
    except (msgspec.MsgspecError, ValueError):
        kept[key] = values[key]
        return None


def _typed(key: str, value: str | float | None) -> Value:
    """Return a value of its key's kind: null for *no value*, and the text of a number for a text."""
    kind = FIELDS[key][1]
    if isinstance(value, str):
        if value in NO_VALUE and key != "reqPath":  # an empty path is one
            return None
        return whole_number(value) if kind is FieldKind.NUMBER else value
    if value is None or isinstance(value, bool):
        converted: Value = msgspec.convert(value, _TYPES[kind])
        return converted
    if kind is FieldKind.NUMBER:
        return whole_number(text_of_number(value))
    return text_of_number(value) if kind is FieldKind.TEXT else value


def _values_of(raw: bytes) -> Unknown:
    if not raw.strip():
        raise InvalidEvent(Reason.EMPTY, "value is empty; expected a JSON object")
    try:
        raw.decode()
        return _decode_values(raw)
    except UnicodeDecodeError as error:
        at = f"byte {raw[error.start]:#04x} at {error.start}"
        raise InvalidEvent(Reason.NOT_UTF8, f"value has {at}; expected UTF-8") from error
    except RecursionError as error:
        raise InvalidEvent(Reason.TOO_DEEP, "value is nested too deep; expected fewer levels") from error
    except msgspec.ValidationError as error:
        raise InvalidEvent(Reason.NOT_AN_OBJECT, f"value is no object; {error}") from error
    except msgspec.DecodeError as error:
        raise InvalidEvent(Reason.NOT_JSON, f"value is not JSON; {error}") from error
