"""Lines of files: plain or packed, the same bytes."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.cli.lines import BrokenFile, lines_of
from dataflow.errors import Misconfigured


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
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_only_a_line_feed_ends_a_line(tmp_path, content, lines, pack):
    """The last one begins no further line; all other bytes belong to the event."""
    assert read(tmp_path / "file", pack(content)) == lines


@given(st.lists(st.binary().map(lambda raw: raw.replace(b"\n", b""))))
def test_packed_lines_come_out_as_they_went_in(tmp_path_factory, lines):
    """Whatever the bytes; a gzip file is known by its first two."""
    content = gzip.compress(b"".join(line + b"\n" for line in lines))
    assert read(tmp_path_factory.mktemp("lines") / "file", content) == lines


def test_a_file_that_breaks_off_is_an_error_after_its_lines(tmp_path):
    """A truncated download must not pass for the whole."""
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(b"".join(b"%d\n" % number for number in range(100_000)))[:-50])
    read_first = []
    with lines_of(path) as lines, pytest.raises(BrokenFile, match="expected a whole file"):
        read_first.extend(lines)
    assert read_first[:3] == [b"0", b"1", b"2"]


def test_a_missing_file_is_named(tmp_path):
    """The message has what was given, not what the system made of it."""
    with (
        pytest.raises(Misconfigured, match=r"FILE is .*none'; expected"),
        lines_of(tmp_path / "none"),
    ):
        pass
