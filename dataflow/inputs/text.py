"""Text: makes UTF-8 of UTF-16 and UTF-32, and tells what is no text."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE, getincrementaldecoder
from typing import Final

from dataflow.inputs.input import Pieces

LOOKED_AT: Final = 64 << 10
"""So many bytes tell whether a file is text."""

MOST_CONTROLS: Final = 0.02
"""Share of control characters in text; of what is compressed they are a tenth."""

FEW_CONTROLS: Final = 8
"""So many prove nothing."""

_BOMS: Final = (
    (BOM_UTF32_LE, "utf-32"), (BOM_UTF32_BE, "utf-32"), (BOM_UTF16_LE, "utf-16"), (BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_CONTROLS: Final = bytes({*range(0x20), 0x7F} - set(b"\t\n\v\f\r\x1b"))
_HOLE: Final = re.compile(rb"(?:\A|(?<=\n))\0+|\0{512,}")
"""What `copytruncate` leaves in front of a line, and a crash in one: blocks that were not written."""


def encoding_of(head: bytes) -> str | None:
    """Return the encoding of text that is not ASCII, UTF-8 or the like, by its first bytes."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    even, odd = head[:512:2], head[1:512:2]
    if len(odd) >= 4 and not even.count(0) and odd.count(0) > 0.8 * len(odd):
        return "utf-16-le"
    if len(odd) >= 4 and not odd.count(0) and even.count(0) > 0.8 * len(even):
        return "utf-16-be"
    return None


def as_utf8(pieces: Pieces, encoding: str) -> Pieces:
    """Yield the same text as UTF-8; what is broken becomes U+FFFD."""
    decoder = getincrementaldecoder(encoding)(errors="replace")
    for piece in pieces:
        yield decoder.decode(piece).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def is_text(head: bytes, *, seems_packed: bool = False) -> bool:
    """Tell whether these are lines of text, by the first `LOOKED_AT` bytes.

    Of what seems packed by its name or its begin, a few controls are proof enough.
    """
    written = _HOLE.sub(b"", head)
    controls = len(written) - len(written.translate(None, _CONTROLS))
    return controls <= max(0 if seems_packed else FEW_CONTROLS, MOST_CONTROLS * len(written))
