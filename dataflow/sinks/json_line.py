"""JSON lines: a JSON text without line feeds."""

_SPACES = bytes.maketrans(b"\r\n", b"  ")


def one_line(raw: bytes) -> bytes:
    """Return a valid JSON text in one line: line feeds, which can only be white space, become spaces."""
    return raw.translate(_SPACES) if b"\n" in raw or b"\r" in raw else raw
