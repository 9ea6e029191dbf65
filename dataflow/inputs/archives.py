"""Archives: the files in a tar or zip, in their order, each in pieces."""

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from os import SEEK_END
from tempfile import TemporaryFile
from typing import IO, Final, Self, cast

from dataflow.inputs.cut_zip import ENCRYPTED, cut_zip_members, encrypted
from dataflow.inputs.input import PIECE_BYTES, Pieces, UnreadableInput
from dataflow.inputs.kinds import kind_of
from dataflow.inputs.piece_file import PieceFile

HEADER_BYTES: Final = 4 << 20
"""A tar header with the names and times in front of a file is smaller than this."""

FEW_BYTES: Final = 64
"""Of a short file so many are read at once: where it breaks off, what is read at once is lost."""

MOST_TAIL_BYTES: Final = 1 << 17
"""The end of a zip, with its comment, is within so many bytes from the end of the file."""

_ZIP_END: Final = b"PK\x05\x06"
_ZIP_END_BYTES: Final = 22

Members = Iterator[tuple[str, Pieces]]

_BROKEN: Final = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, NotImplementedError,
    RuntimeError, OSError,
)  # fmt: skip
"""What the two modules raise for broken, encrypted and unknown members."""


def tar_members(path: str, pieces: Pieces) -> Members:
    """Yield path and content of each file; links, devices and the holes of sparse files are left out.

    Several tars one after another (`cat a.tar b.tar`) are read as one.
    """
    source = _Headers(pieces)
    with _broken(path, "tar"):
        while source.begins_a_tar():
            yield from _files_of_one_tar(path, source)
        if not source.is_over():
            raise ValueError("bytes behind its end are no tar")


def _files_of_one_tar(path: str, source: "_Headers") -> Members:
    file = cast("IO[bytes]", source)  # of a stream tarfile only calls `read`
    with tarfile.open(fileobj=file, mode="r|", tarinfo=_Header, errors="backslashreplace") as archive:
        while (member := archive.next()) is not None:
            source.left = None
            _leave_holes_out(member)
            content = archive.extractfile(member) if member.isreg() else None
            if content is not None:
                yield f"{path}!{member.name}", _read(path, "tar", content.raw)  # type: ignore[attr-defined]
            archive.members = []  # type: ignore[attr-defined]  # it keeps all that it has seen
            source.left = HEADER_BYTES + (member.size if content is None else 0)
        source.left = HEADER_BYTES
        source.put_back(archive.fileobj.buf)  # type: ignore[attr-defined]  # read ahead


def _leave_holes_out(member: tarfile.TarInfo) -> None:
    """Let what is stored of a sparse file be all of it: a hole holds no line, however large it is."""
    if member.issparse():
        blocks = cast("list[tuple[int, int]]", member.sparse)  # offset and size of each
        member.size = sum(size for _, size in blocks)
        member.sparse = None


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
            if min((member.header_offset for member in archive.infolist()), default=0):
                raise UnreadableInput(f"{path} is several zips one after another; expected one")
            for member in archive.infolist():
                if member.flag_bits & ENCRYPTED:
                    raise encrypted(path)
                if not member.is_dir():
                    with archive.open(member) as content:
                        yield f"{path}!{member.filename}", _read(path, "zip", content)
            if _follows_more(copy, len(archive.comment)):
                raise ValueError("bytes behind its end are no zip")


def _follows_more(archive: IO[bytes], comment_bytes: int) -> bool:
    """Tell whether anything but padding stands behind the end of a zip."""
    size = archive.seek(0, SEEK_END)
    archive.seek(max(0, size - MOST_TAIL_BYTES))
    tail = archive.read()
    end = tail.rfind(_ZIP_END) + _ZIP_END_BYTES + comment_bytes
    return bool(tail[end:].strip(b"\0"))


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


class _Header(tarfile.TarInfo):
    """A header of a tar; tarfile takes one that is broken, or cut, for the end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Return the header in a block; raise ValueError for what is none."""
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if bytes(buf).strip(b"\0"):
                raise ValueError(str(error)) from error
            raise


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

    def begins_a_tar(self) -> bool:
        """Pass blocks of zeros, which end a tar and pad it; tell whether a header follows."""
        self.left = None
        while block := self.read(tarfile.BLOCKSIZE):
            if block.strip(b"\0"):
                self.put_back(block)
                self.left = HEADER_BYTES
                return kind_of(block) == "tar"
        return False
