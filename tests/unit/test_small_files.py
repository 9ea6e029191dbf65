"""Small files: the wrong name, of a log or of a device, must not fill the memory of the machine."""

import io
import os
import sys
from pathlib import Path

import pytest

from dataflow.access.access_file import read_access_file
from dataflow.cli.documents import read_file
from dataflow.errors import Misconfigured
from dataflow.small_files import read_small_file
from dataflow.stages.filter_document import load_document
from dataflow.stages.source_category import load_utm_sources

MEGABYTE = 1 << 20


@pytest.fixture
def huge(tmp_path: Path) -> Path:
    """Return a file of a terabyte, which is sparse."""
    path = tmp_path / "huge"
    path.touch()
    os.truncate(path, 1 << 40)
    return path


@pytest.mark.parametrize("size", [0, 4])
def test_a_file_of_the_size_itself_is_read(tmp_path: Path, size: int):
    """The bound is the last size that is taken."""
    (tmp_path / "file").write_bytes(b"x" * size)
    assert read_small_file(tmp_path / "file", 4) == b"x" * size


@pytest.mark.parametrize("read", [read_file, load_document, load_utm_sources])
def test_a_document_has_at_most_a_megabyte_wherever_it_comes_from(huge: Path, read):
    """Workers take no more over HTTP; `dataflow rules check /dev/zero` was ended by the kernel at 24 GB."""
    with pytest.raises(Misconfigured, match=r"expected a file that .*\(it has more than 1048576 bytes\)"):
        read(huge)


def test_stdin_has_the_same_bound(monkeypatch: pytest.MonkeyPatch):
    """A pipe may have no end."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b" " * (MEGABYTE + 1))))
    with pytest.raises(Misconfigured, match=r"FILE is '-'; expected a file that .*more than 1048576 bytes"):
        read_file(Path("-"))


def test_an_access_file_has_a_bound(huge: Path):
    """It is read again while the worker runs."""
    with pytest.raises(Misconfigured, match="it has more than 16777216 bytes; expected TOML"):
        read_access_file(huge, [])
