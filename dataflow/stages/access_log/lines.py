"""Lines: raw bytes in, one line of text out, or why there is none; and what such a line says."""

import msgspec

from dataflow.errors import InvalidEvent, Reason


class LoggedRequest(msgspec.Struct, gc=False, kw_only=False):
    """The parts of an access log line; null where the line has no value.

    Names, order and meaning are those of `models.access_log_entry.AccessLogEntry`,
    which documents them.
    """

    ip: str | None = None
    ts: str | None = None
    host: str | None = None
    ident: str | None = None
    user: str | None = None
    method: str | None = None
    endpoint: str | None = None
    query: str | None = None
    protocol: str | None = None
    status: int | None = None
    bytes: int | None = None
    referer: str | None = None
    user_agent: str | None = None
    response_time_ms: float | None = None


def text_of_line(raw: bytes) -> str:
    r"""Return the text in `raw` without its line end.

    Bytes that are not UTF-8 become ``\xHH``, which is how Apache and nginx write them: the
    request happened, and no byte of it is lost.
    """
    return raw.decode("utf-8", "backslashreplace").rstrip("\r\n")


def line_of(raw: bytes) -> str:
    """Return the line in `raw`, as `text_of_line`; raise `InvalidEvent` if it is empty.

    A NUL is a dead letter: no server writes one, but a file system may after a crash.
    """
    line = text_of_line(raw)
    if not line or line.isspace():
        raise InvalidEvent(Reason.EMPTY, "line is empty; expected an access log line")
    if "\0" in line:
        at = line.index("\0") + 1
        raise InvalidEvent(Reason.UNPARSABLE, f"line has a NUL at column {at}; expected text")
    return line
