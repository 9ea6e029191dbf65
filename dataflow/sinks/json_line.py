"""JSON lines: a JSON text in; the same text without line feeds out."""

_SPACES = bytes.maketrans(b"\r\n", b"  ")


def one_line(raw: bytes) -> bytes:
    """Return a valid JSON text in one line: line feeds, which only its white space can have, are spaces."""
    return raw.translate(_SPACES) if b"\n" in raw or b"\r" in raw else raw
