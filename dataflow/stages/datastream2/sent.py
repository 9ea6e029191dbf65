"""Sent: a raw DataStream 2 line in, its values in the order of `fields` out, numbers read."""

from typing import Annotated

import msgspec

from dataflow.errors import InvalidEvent, Reason
from dataflow.stages.datastream2.fields import ALWAYS, FIELDS, FieldKind
from dataflow.stages.datastream2.values import NO_VALUE, Value

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

# Not strict: numbers are sent as texts, and read as such in C.
_decode_known = msgspec.json.Decoder(_Known, strict=False).decode
_decode_only_known = msgspec.json.Decoder(_OnlyKnown, strict=False).decode
_decode_values = msgspec.json.Decoder(Unknown).decode
_decode_value = msgspec.json.Decoder(str | int | float | bool | None).decode


def read(raw: bytes) -> tuple[tuple[Value, ...], Unknown]:
    """Return the values of the known keys, and the unknown ones as sent.

    Raises `InvalidEvent` if it is no JSON object, or a value is not of its key's kind.
    """
    try:
        return msgspec.structs.astuple(_decode_only_known(raw)), _NO_UNKNOWN
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        values = _values_of(raw)
    unknown = {key: value for key, value in values.items() if key not in FIELDS}
    try:
        return msgspec.structs.astuple(_decode_known(raw)), unknown
    except msgspec.ValidationError:
        # A number that is `-`, a text that is sent as a number, or a fault.
        return msgspec.structs.astuple(_convert(values)), unknown


def _convert(values: Unknown) -> msgspec.Struct:
    known = {key: _plain(key, values[key]) for key in FIELDS if key in values}
    try:
        return msgspec.convert(known, _Known, strict=False)
    except msgspec.ValidationError as error:
        key = str(error).rpartition("$.")[2].rstrip("`")
        raise InvalidEvent(
            Reason.WRONG_TYPE, f"{key} is {str(known.get(key))[:40]!r}; expected a {FIELDS[key][1].value}"
        ) from error


def _plain(key: str, raw: msgspec.Raw) -> str | float | None:
    """Return a value; null for *no value*, and the text of a number where a text is expected."""
    try:
        value: str | float | None = _decode_value(raw)
    except msgspec.MsgspecError as error:
        shown = bytes(raw)[:40].decode(errors="replace")
        raise InvalidEvent(Reason.WRONG_TYPE, f"{key} is {shown!r}; expected a single value") from error
    if isinstance(value, str):
        return None if value in NO_VALUE and key != "reqPath" else value  # an empty path is one
    if value is None or isinstance(value, bool) or FIELDS[key][1] is not FieldKind.TEXT:
        return value
    return str(value)


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
