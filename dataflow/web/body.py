"""Bodies of requests: read up to a size, within a time; JSON field by field, so that an error names one."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import PayloadAccessError, Request, RequestPayloadError

from dataflow.errors import one_of
from dataflow.http_error import HttpError, bad_value, unavailable
from dataflow.web.json_schema import expectation, parse_text, value_schema

RETRY_SECONDS = 5.0


async def read_body(
    request: Request, hold: Callable[[int], None], *, most_bytes: int, seconds: float
) -> bytes:
    """Return the body as received, still packed; what it holds is counted as it arrives.

    A sender that takes too long gets a 503, not a 408: DataStream would not come again.
    """
    if request.content_length is not None and request.content_length > most_bytes:
        raise _too_large(most_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while piece := await request.content.readany():
                hold(len(piece))
                body += piece
                if len(body) > most_bytes:
                    raise _too_large(most_bytes)
    except TimeoutError:
        raise unavailable(
            f"body has not arrived within {seconds:g} s; expected a quicker sender", RETRY_SECONDS
        ) from None
    except (HttpProcessingError, RequestPayloadError, PayloadAccessError, OSError) as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, f"body is broken off or wrongly chunked: {error}") from error
    return bytes(body)


def _too_large(most_bytes: int) -> HttpError:
    return HttpError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body is more than {most_bytes} bytes; expected at most that"
    )


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
    values = {fields[name].name: _read(name, text, fields[name].type) for name, text in texts.items()}
    return body_type(**values)


def _read(name: str, text: msgspec.Raw, value_type: Any) -> object:  # noqa: ANN401  # a type, a union too
    try:
        return msgspec.json.decode(text, type=value_type, dec_hook=parse_text)
    except UNREADABLE as error:
        value = bytes(text).decode(errors="replace")
        raise bad_value(name, value, expectation(value_schema(value_type))) from error
