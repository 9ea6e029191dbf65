"""JSON bodies: read field by field, so that an error names the field, its value and what is expected."""

from http import HTTPStatus
from typing import Any, TypeVar

import msgspec

from dataflow.http_error import HttpError, bad_value
from dataflow.web.json_schema import expectation, one_of, parse_text, value_schema

B = TypeVar("B", bound=msgspec.Struct)

UNREADABLE = (ValueError, RecursionError)


def read_json_body(raw: bytes, body_type: type[B]) -> B:
    """Return the body; an empty one is an object without fields. Raises `HttpError`."""
    try:
        texts = msgspec.json.decode(raw or b"{}", type=dict[str, msgspec.Raw])
    except UNREADABLE as error:
        message = f"body is not a JSON object: {error}; expected {one_of(body_type.__struct_encode_fields__)}"
        raise HttpError(HTTPStatus.BAD_REQUEST, message) from error
    fields = {field.encode_name: field for field in msgspec.structs.fields(body_type)}
    for name in texts.keys() - fields.keys():
        raise bad_value("field", name, one_of(fields))
    for name in (name for name, field in fields.items() if field.required and name not in texts):
        raise HttpError(HTTPStatus.BAD_REQUEST, f"{name} is missing; expected it")
    return body_type(
        **{fields[name].name: _read(name, text, fields[name].type) for name, text in texts.items()}
    )


def _read(name: str, text: msgspec.Raw, value_type: Any) -> object:  # noqa: ANN401  # a type, a union too
    try:
        return msgspec.json.decode(text, type=value_type, dec_hook=parse_text)
    except UNREADABLE as error:
        value = bytes(text).decode(errors="replace")
        raise bad_value(name, value, expectation(value_schema(value_type))) from error
