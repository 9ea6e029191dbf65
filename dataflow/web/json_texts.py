"""JSON texts: takes an array of texts apart one by one; all of them as objects are many times its size."""

from collections.abc import Iterator
from typing import Final

import msgspec

from dataflow.errors import UNREADABLE
from dataflow.http_error import bad_value, begin_of
from dataflow.sources.body_events import elements, is_array
from dataflow.web.json_schema import Json

TEXTS: Final[Json] = {"type": "array", "items": {"type": "string"}}
_text = msgspec.json.Decoder(str).decode


def texts_of(name: str, raw: bytes) -> Iterator[bytes]:
    """Yield the texts of a field, which is valid JSON, in UTF-8; raise `HttpError` at one that is none."""
    if not is_array(raw):
        raise bad_value(name, begin_of(raw), "a list of texts")
    for number, element in enumerate(elements(raw)):
        try:
            yield _text(element).encode(errors="surrogatepass")
        except UNREADABLE as error:
            raise bad_value(f"{name}[{number}]", begin_of(element), "a text") from error
