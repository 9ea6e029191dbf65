"""Lines: raw bytes in, one line of text out, or the reason why there is none."""

from dataflow.errors import InvalidEvent, Reason


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
