"""Bodies of requests: read up to a size, within a time; JSON field by field, so that an error names one."""

import asyncio
import re
from collections.abc import Callable, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from aiohttp import hdrs
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import PayloadAccessError, Request, RequestPayloadError

from dataflow.errors import UNREADABLE, one_of
from dataflow.http_error import HttpError, bad_value, begin_of, quoted, unavailable
from dataflow.web.json_schema import expectation, parse_text, value_schema
from dataflow.web_expectations import tell_to_continue

RETRY_SECONDS = 5.0
FORMS = frozenset({"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"})


async def read_body(
    request: Request, hold: Callable[[int], None], *, most_bytes: int, seconds: float
) -> bytes:
    """Return the body as received, still packed; what it holds is counted as it arrives.

    A sender that takes too long gets a 503, not a 408: DataStream would not come again.
    """
    _check_transfer(request)
    length = request.content_length or 0
    if length > most_bytes:
        raise _too_large(most_bytes)
    hold(length)  # refuses what there is no room for; what counts is what has come
    hold(-length)
    await tell_to_continue(request)
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


def _check_transfer(request: Request) -> None:
    """Refuse a body that is packed for its transfer: aiohttp takes the chunks apart, and unpacks nothing."""
    for given in request.headers.getall(hdrs.TRANSFER_ENCODING, []):
        if {coding.strip().lower() for coding in given.split(",")} - {"", "chunked", "identity"}:
            raise bad_value(
                "Transfer-Encoding", given, "chunked; name how a body is packed in Content-Encoding"
            )


def refuse_forms(request: Request) -> None:
    """Raise `HttpError` for the types of a form: a page of any site may send them to any other, unasked."""
    for given in request.headers.getall(hdrs.CONTENT_TYPE, []):
        if any(part.partition(";")[0].strip().lower() in FORMS for part in given.split(",")):
            raise HttpError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"Content-Type is {quoted(given)}; expected application/json",
            )


def _too_large(most_bytes: int) -> HttpError:
    return HttpError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body is more than {most_bytes} bytes; expected at most that"
    )


B = TypeVar("B", bound=msgspec.Struct)

_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)


def read_json_body(raw: bytes, body_type: type[B]) -> B:
    """Return the body; an empty one is an object without fields. Raises `HttpError`."""
    fields = {field.name: field for field in msgspec.structs.fields(body_type)}
    try:
        sent = msgspec.json.decode(raw or b"{}", type=_as_written(body_type))
    except UNREADABLE as error:
        raise _unreadable(error, body_type.__struct_encode_fields__) from error
    texts = {name: text for name in fields if (text := getattr(sent, name)) is not msgspec.UNSET}
    for field in (field for name, field in fields.items() if field.required and name not in texts):
        raise HttpError(HTTPStatus.BAD_REQUEST, f"{field.encode_name} is missing; expected it")
    values = {name: _read(fields[name].encode_name, text, fields[name].type) for name, text in texts.items()}
    return body_type(**values)


@cache
def _as_written(body_type: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Return a type whose fields are kept as bytes of the body; what has no field is never made an object."""
    fields = [
        (
            each.name,
            msgspec.Raw | msgspec.UnsetType,
            msgspec.field(default=msgspec.UNSET, name=each.encode_name),
        )
        for each in msgspec.structs.fields(body_type)
    ]
    return msgspec.defstruct(body_type.__name__, fields, forbid_unknown_fields=True)


def _unreadable(error: Exception, names: Sequence[str]) -> HttpError:
    if unknown := _UNKNOWN.fullmatch(str(error)):
        return bad_value("field", unknown[1], one_of(names))
    message = f"body is not a JSON object: {error}; expected {one_of(names)}"
    return HttpError(HTTPStatus.BAD_REQUEST, message)


def _read(name: str, text: msgspec.Raw, value_type: Any) -> object:  # noqa: ANN401  # a type, a union too
    try:
        return msgspec.json.decode(text, type=value_type, dec_hook=parse_text)
    except UNREADABLE as error:
        raise bad_value(name, begin_of(bytes(text)), expectation(value_schema(value_type))) from error
