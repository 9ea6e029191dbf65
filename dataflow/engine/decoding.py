"""Decodes raw JSON into events that have only the fields that a stage reads."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Generic, TypeVar, get_type_hints

import faust
import msgspec

from dataflow.errors import InvalidEvent, Misconfigured, Reason

R = TypeVar("R", bound=faust.Record)

# Any type a JSON field may have: the one place where the type is only known at run time.
FieldType = Any

_validate = msgspec.json.Decoder(msgspec.Raw).decode

DECODING_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError)
"""What decoding raises for an event that cannot be used; `fault_of` tells which it is."""

_MISSING_FIELD = "Object missing required field"


@dataclass(frozen=True, slots=True)
class EventDecoder(Generic[R]):
    """Reads events of one kind; made by `compile_decoder`.

    An event has the attributes of the record that were asked for, and is typed as that
    record, but is a msgspec struct: building a `faust.Record` costs a hundred times more.
    """

    decode: Callable[[bytes], R]
    """The bare C decoder. It raises the errors that `fault` understands, and it does not
    look into strings that it skips: check ``raw.isascii() or raw.decode()`` before."""

    has_added_field: Callable[[R], object]
    """True (or truthy) if the event came with a field that the stage is about to add."""

    reads: frozenset[str] = frozenset()
    """The fields that an event has."""

    adds: frozenset[str] = frozenset()
    """The fields that the stage adds."""

    def read(self, raw: bytes | None) -> R:
        """Return the event in `raw`, checked whole; raise `InvalidEvent` if there is none."""
        try:
            if raw is None:
                raise TypeError("value is null")
            raw.isascii() or raw.decode()
            return self.decode(raw)
        except DECODING_ERRORS as error:
            raise fault_of(error, raw) from error

    @staticmethod
    def fault(error: Exception, raw: bytes | None) -> InvalidEvent:
        """Return why `raw` cannot be used: see `fault_of`."""
        return fault_of(error, raw)


def compile_decoder(
    record: type[R],
    reads: Iterable[str],
    adds: Iterable[str] = (),
    sent_as: Mapping[str, FieldType] = MappingProxyType({}),
) -> EventDecoder[R]:
    """Compile a decoder of only the fields `reads` from the annotations of `record`.

    Types are strict, unknown fields are skipped. A field that may be null is null when it
    is absent; every other one is required. `adds` are the fields that the stage adds:
    an event that has one already is noticed. `sent_as` has the types of fields that senders
    write otherwise than the record says, and that its stage can read so.
    """
    reads, adds = tuple(dict.fromkeys(reads)), tuple(dict.fromkeys(adds))
    hints = get_type_hints(record) | dict(sent_as)
    for name in reads:
        if name not in hints or name in adds:
            raise Misconfigured(
                f"field to read is {name!r}; expected a field of {record.__name__} "
                "that is not added by the same stage"
            )
    struct = msgspec.defstruct(
        record.__name__,
        [*(_read_field(name, hints[name]) for name in reads), *map(_added_field, adds)],
        kw_only=True,
        gc=False,
    )
    # The struct has the attributes of the record that were asked for: the type says so.
    decode: Callable[[bytes], R] = msgspec.json.Decoder(struct).decode  # type: ignore[assignment]
    return EventDecoder(decode, _notice(adds), frozenset(reads), frozenset(adds))


def _read_field(name: str, field_type: FieldType) -> tuple[str, FieldType, FieldType]:
    optional = type(None) in getattr(field_type, "__args__", ())
    return (name, field_type, None if optional else msgspec.NODEFAULT)


def _added_field(name: str) -> tuple[str, FieldType, FieldType]:
    return (name, msgspec.Raw | msgspec.UnsetType, msgspec.UNSET)


def _notice(adds: tuple[str, ...]) -> Callable[[R], object]:
    if not adds:
        return lambda _: False
    values_of = attrgetter(*adds)
    if len(adds) == 1:  # UNSET is falsy and a Raw value is not: no Python frame needed
        return values_of
    absent = (msgspec.UNSET,) * len(adds)
    return lambda event: values_of(event) != absent


def fault_of(error: Exception, raw: bytes | None) -> InvalidEvent:
    """Return why `raw` cannot be used, given the error that decoding it raised.

    The reason does not depend on which fields are read: a truncated event is not JSON
    even if a field of a wrong type was met before its end. An error that is no fault of
    the event is raised again.
    """
    if isinstance(error, InvalidEvent):
        return error
    return _fault_of_bytes(raw) or _fault_of_fields(error)


def _fault_of_bytes(raw: bytes | None) -> InvalidEvent | None:
    if raw is None or not raw.strip():
        what = "null" if raw is None else f"{len(raw)} bytes of white space" if raw else "empty"
        return InvalidEvent(Reason.EMPTY, f"value is {what}; expected a JSON object")
    try:
        raw.decode()
        _validate(raw)
    except UnicodeDecodeError as error:
        at = f"byte {raw[error.start]:#04x} at {error.start}"
        return InvalidEvent(Reason.NOT_UTF8, f"value has {at}; expected UTF-8")
    except RecursionError:
        return InvalidEvent(Reason.TOO_DEEP, "value is nested too deep; expected fewer levels")
    except msgspec.DecodeError as error:
        return InvalidEvent(Reason.NOT_JSON, f"value is not JSON; {error}")
    return None if raw.lstrip().startswith(b"{") else _not_an_object(raw)


def _not_an_object(raw: bytes) -> InvalidEvent:
    kinds = {"[": "an array", '"': "a string", "n": "null", "t": "true", "f": "false"}
    kind = kinds.get(chr(raw.lstrip()[0]), "a number")
    return InvalidEvent(Reason.NOT_AN_OBJECT, f"value is {kind}; expected a JSON object")


def _fault_of_fields(error: Exception) -> InvalidEvent:
    if isinstance(error, RecursionError):
        return InvalidEvent(Reason.TOO_DEEP, "value is nested too deep; expected fewer levels")
    if not isinstance(error, msgspec.ValidationError):
        raise error  # not a fault of the event: a bug
    missing = str(error).startswith(_MISSING_FIELD)
    return InvalidEvent(Reason.MISSING_FIELD if missing else Reason.WRONG_TYPE, str(error))
