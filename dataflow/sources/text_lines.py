"""Text lines: pieces of a body in, the lines in them out, none of them longer than a bound."""

from collections.abc import Iterable, Iterator

RETURN = ord("\r")


def split_lines(pieces: Iterable[bytes], most_bytes: int) -> Iterator[list[bytes]]:
    """Yield the lines of each piece, without their line ends; blank ones are left out.

    Of a line that is longer than `most_bytes` one byte more than that is kept, so that
    who reads it can tell.
    """
    begun, kept = b"", most_bytes + 1
    for piece in pieces:
        *lines, last = piece.split(b"\n")
        if lines:
            lines[0] = begun + lines[0] if len(begun) < kept else begun
            begun = last
            yield _cleaned(lines, kept)
        elif len(begun) < kept:
            begun = (begun + last)[:kept]
    yield _cleaned([begun], kept)


def _cleaned(lines: list[bytes], kept: int) -> list[bytes]:
    # What stands before the line feed on Windows is no part of the line.
    return [
        line[:-1] if line[-1] == RETURN and len(line) < kept else line[:kept]
        for line in lines
        if line and not line.isspace()
    ]
