"""Archives: the files in a tar or zip, in their order, each in pieces."""

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from tempfile import TemporaryFile
from typing import IO, Final, cast

from dataflow.inputs.cut_zip import ENCRYPTED, cut_zip_members, encrypted
from dataflow.inputs.input import PIECE_BYTES, Pieces, UnreadableInput
from dataflow.inputs.piece_file import PieceFile

HEADER_BYTES: Final = 4 << 20
"""A tar header with the names and times in front of a file is smaller than this."""

FEW_BYTES: Final = 64
"""Of a short file so many are read at once: where it breaks off, what is read at once is lost."""

Members = Iterator[tuple[str, Pieces]]

_BROKEN: Final = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, NotImplementedError,
    RuntimeError, OSError,
)  # fmt: skip
"""What the two modules raise for broken, encrypted and unknown members."""


def tar_members(path: str, pieces: Pieces) -> Members:
    """Yield path and content of each file; links, devices and sparse files are left out."""
    source = _Headers(pieces)
    file = cast("IO[bytes]", source)  # of a stream tarfile only calls `read`
    with _broken(path, "tar"), tarfile.open(fileobj=file, mode="r|") as archive:
        while (member := archive.next()) is not None:
            source.left = None
            content = archive.extractfile(member) if member.isreg() and not member.issparse() else None
            if content is not None:
                yield f"{path}!{member.name}", _read(path, "tar", content.raw)  # type: ignore[attr-defined]
            archive.members = []  # type: ignore[attr-defined]  # it keeps all that it has seen
            source.left = HEADER_BYTES + (member.size if content is None else 0)


def zip_members(path: str, pieces: Pieces) -> Members:
    """Yield path and content of each file; its index is at the end, so all of it goes to a temporary file."""
    with TemporaryFile() as copy:
        for piece in pieces:
            copy.write(piece)
        if not zipfile.is_zipfile(copy):
            copy.seek(0)
            yield from cut_zip_members(path, copy)
            return
        with _broken(path, "zip"), zipfile.ZipFile(copy) as archive:
            for member in archive.infolist():
                if member.flag_bits & ENCRYPTED:
                    raise encrypted(path)
                if not member.is_dir():
                    with archive.open(member) as content:
                        yield f"{path}!{member.filename}", _read(path, "zip", content)


def _read(path: str, kind: str, content: IO[bytes]) -> Pieces:
    sizes = chain(repeat(FEW_BYTES, PIECE_BYTES // FEW_BYTES), repeat(PIECE_BYTES))
    with _broken(path, kind):
        while piece := content.read(next(sizes)):
            yield piece


@contextmanager
def _broken(path: str, kind: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise UnreadableInput(f"{path} is broken {kind} ({error}); expected a whole archive") from error


class _Headers(PieceFile):
    """A tar; a header that is larger than any is refused before it is in memory."""

    left: int | None = HEADER_BYTES
    """Bytes up to the next content; null within one."""

    def read(self, size: int) -> bytes:
        if self.left is not None:
            self.left -= size
            if self.left < 0:
                raise ValueError(f"a header has more than {HEADER_BYTES} bytes")
        return super().read(size)
