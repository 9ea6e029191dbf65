"""Small files: reads a file of which all is needed at once, such as rules or a secret, up to a size."""

import errno
from pathlib import Path
from typing import IO, Final

MOST_DOCUMENT_BYTES: Final = 1 << 20
"""Of filter rules and of UTM sources, wherever they come from."""


def read_small_file(path: Path, most_bytes: int) -> bytes:
    """Return the content of a file; raise `OSError` for one that cannot be read, or has more bytes.

    The name of a file is easily mistaken: a device, or a log of many GB, must not fill the memory.
    """
    with path.open("rb") as file:
        return read_small(file, most_bytes)


def read_small(file: IO[bytes], most_bytes: int) -> bytes:
    """Return what is left of an open file; raise `OSError` if it is more."""
    content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"it has more than {most_bytes} bytes")
    return content
