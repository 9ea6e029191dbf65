"""Lines of files: plain or packed, the same bytes."""

import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
import zipfile
from codecs import BOM_UTF8
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dataflow.cli.lines import MOST_LINE_BYTES, STDIN, lines_of
from dataflow.errors import Misconfigured
from dataflow.inputs.input import UnreadableInput
from dataflow.inputs.kinds import kind_of
from dataflow.inputs.text import encoding_of
from dataflow.sources.journal_entries import BEGIN as JOURNAL


def read(path: Path, content: bytes) -> list[bytes]:
    """Write a file and read its lines."""
    path.write_bytes(content)
    with lines_of(path) as lines:
        return list(lines)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [b""]),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\n\nb\n", [b"a", b"", b"b"]),
        (b"a\r\nb", [b"a\r", b"b"]),
        (b"a\x0bb\x0cc\x85d", [b"a\x0bb\x0cc\x85d"]),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_only_a_line_feed_ends_a_line(tmp_path, content, lines, pack):
    """The last one begins no further line; all other bytes belong to the event."""
    assert read(tmp_path / "file", pack(content)) == lines


CONTROLS = bytes({*range(0x20), 0x7F})


@given(st.lists(st.binary().map(lambda raw: raw.translate(None, CONTROLS))))
def test_packed_lines_come_out_as_they_went_in(tmp_path_factory, lines):
    """Whatever the bytes, if they are lines of text; a packed file is known by its first bytes."""
    text = b"".join(line + b"\n" for line in lines)
    # Not one that is packed twice, of UTF-16, of journald, or with a byte order mark.
    assume(kind_of(text) is None and encoding_of(text) is None)
    assume(not text.startswith((JOURNAL, BOM_UTF8)))
    assert read(tmp_path_factory.mktemp("lines") / "file", gzip.compress(text)) == lines


def a_tar(content: bytes) -> bytes:
    """Return an archive of one file."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        member = tarfile.TarInfo("access.log")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return whole.getvalue()


def a_zip(content: bytes) -> bytes:
    """Return an archive of one file."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("access.log", content)
    return whole.getvalue()


KINDS: dict[str, Callable[[bytes], bytes]] = {
    "tar": a_tar,
    "zip": a_zip,
    "tar.gz": lambda content: gzip.compress(a_tar(content)),
    "gzip in gzip": lambda content: gzip.compress(gzip.compress(content)),
    "UTF-8 of Windows": lambda content: content.decode().encode("utf-8-sig"),
    "UTF-16": lambda content: content.decode().encode("utf-16"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_ingest_reads_is_read_here_too(tmp_path, kind):
    """A trial of a file, or one sent by hand, must not find other lines in it than the schedule will."""
    content = KINDS[kind](b"a \xc3\xbc\n\nb\n" * 100)
    assert read(tmp_path / "file", content) == [b"a \xc3\xbc", b"", b"b"] * 100


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x04\x22\x4d\x18" + bytes(range(256)), "is packed with lz4"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(range(256)), "is a 7z archive"),
        (bytes(range(256)) * 9, "is no text"),
    ],
)
def test_a_file_that_is_no_text_is_refused_by_name(tmp_path, content, told):
    """Thousands of lines of rubbish were sent, and their stream stopped."""
    with pytest.raises(UnreadableInput, match=told):
        read(tmp_path / "file", content)


class Pipe(io.RawIOBase):
    """A pipe that somebody writes to bit by bit; it must not be read further than is needed."""

    def __init__(self, *pieces: bytes, then_fails: bool = False) -> None:
        self._pieces = list(pieces)
        self._then_fails = then_fails

    def readable(self) -> bool:
        """Say that it is read, not written."""
        return True

    def readinto(self, buffer) -> int:
        """Give the next piece."""
        if not self._pieces:
            assert not self._then_fails, "read further than was needed"
            return 0
        piece = self._pieces.pop(0)
        buffer[: len(piece)] = piece
        return len(piece)


def stdin_is(monkeypatch: pytest.MonkeyPatch, pipe: Pipe) -> None:
    """Have this pipe as standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(pipe)))


def test_a_line_of_a_pipe_comes_out_before_the_next_is_written(monkeypatch):
    """`tail -f access.log | dataflow produce` sends each line when it comes."""
    stdin_is(monkeypatch, Pipe(b"f\xc3", b"\xbcr", b"st\nsec", then_fails=True))
    with lines_of(STDIN) as lines:
        assert next(iter(lines)) == b"f\xc3\xbcrst"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress, a_tar, a_zip])
def test_a_pipe_that_gives_a_byte_at_a_time_is_read_as_a_file(monkeypatch, pack):
    """Its kind is told by several bytes."""
    packed = pack(b"a\n\nb")
    stdin_is(monkeypatch, Pipe(*(packed[at : at + 1] for at in range(len(packed)))))
    with lines_of(STDIN) as lines:
        assert list(lines) == [b"a", b"", b"b"]


def test_a_pipe_with_a_name_is_read(tmp_path):
    """Bash puts one in the place of a file: <(zcat a.gz)."""
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as other:
        other.submit((tmp_path / "pipe").write_bytes, b"a\nb\n")
        with lines_of(tmp_path / "pipe") as lines:
            assert list(lines) == [b"a", b"b"]


def test_a_file_that_breaks_off_is_an_error_after_its_lines(tmp_path):
    """A truncated download must not pass for the whole."""
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(b"".join(b"%d\n" % number for number in range(100_000)))[:-50])
    read_first = []
    with lines_of(path) as lines, pytest.raises(UnreadableInput, match="expected a whole file"):
        read_first.extend(lines)
    assert read_first[:3] == [b"0", b"1", b"2"]


def test_a_missing_file_is_named(tmp_path):
    """The message has what was given, not what the system made of it."""
    with (
        pytest.raises(Misconfigured, match=r"FILE is .*none'; expected"),
        lines_of(tmp_path / "none"),
    ):
        pass


@pytest.mark.parametrize("begin", [b"", b"a\n"])
def test_the_hole_of_a_truncated_file_is_no_part_of_a_line(tmp_path, begin):
    """Logs of several GB begin with it after `copytruncate`: a trial held all of the hole in memory."""
    path = tmp_path / "access.log"
    path.write_bytes(begin)
    os.truncate(path, 4 * MOST_LINE_BYTES)  # sparse
    with path.open("ab") as file:
        file.write(b"b\0\n\0\0c\n")
    with lines_of(path) as lines:
        assert list(lines) == [*begin.split(), b"b\0", b"c"]


def test_a_line_without_end_is_refused_by_its_number(tmp_path):
    """A packed file of a megabyte holds a line of a gigabyte, which no command may keep in memory."""
    path = tmp_path / "access.log.bz2"
    path.write_bytes(bz2.compress(b"a\nb\n" + b"x" * (MOST_LINE_BYTES + 1)))
    read_first = []
    with lines_of(path) as lines, pytest.raises(UnreadableInput) as refused:
        read_first.extend(lines)
    assert read_first == [b"a", b"b"]
    assert str(refused.value) == (
        f"line 3 of {path} has more than {MOST_LINE_BYTES} bytes; expected an event a line"
    )
