"""Places: which files a path, a folder or a pattern means, in which order, and what is told of the rest."""

import os
from pathlib import Path

import pytest

from dataflow.inputs.input import Input, UnreadableInput
from dataflow.inputs.places import Places
from dataflow.settings import Settings


def found_at(*places: Path | str) -> list[str]:
    """Return the paths of what is found, and what is told."""
    found = Places(Settings()).inputs_at(map(str, places))
    return [source.path if isinstance(source, Input) else str(source) for source in found]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of files of all kinds."""
    for name in ("b.log", "a.log", ".hidden", "c.part", "c.tmp", ".git/config", "x/2.log", "x/10.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"a\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "access-to-stdout").symlink_to("/dev/null")
    return tmp_path


def test_a_folder_means_its_files_in_order(folder):
    """Less what is hidden, unfinished, or no file; of a link that is not followed somebody must know."""
    found = found_at(folder)
    names = [os.path.relpath(path, folder) for path in found if not path.endswith(("file", "name"))]
    assert names == ["a.log", "b.log", "x/10.log", "x/2.log"]
    assert {path for path in found if path.endswith(("file", "name"))} == {
        f"{folder}/broken is a link to nowhere (nowhere); expected a file",
        f"{folder}/loop is a link to a folder, which is not followed; expected the folder's own name",
    }


def test_a_pattern_means_the_files_that_match(folder):
    """Settings have no shell to expand them."""
    assert found_at(folder / "*.log") == [f"{folder}/a.log", f"{folder}/b.log"]


def test_a_file_that_is_named_is_read_whatever_its_name(folder):
    """Who names it wants it."""
    assert found_at(folder / "c.part", folder / ".hidden") == [f"{folder}/c.part", f"{folder}/.hidden"]


def test_a_file_that_is_named_twice_is_found_once(folder, monkeypatch):
    """By a link, or by another way to write its path."""
    (folder / "link.log").symlink_to("a.log")
    monkeypatch.chdir(folder)
    assert found_at("a.log", folder / "x/../a.log", "link.log") == [f"{folder}/a.log"]


def test_what_is_not_there_is_told_and_the_rest_is_found(folder):
    """One line for each, with what was expected."""
    told = found_at(folder / "none", folder / "none*", folder / "pipe", folder / "b.log")
    assert told == [
        f"{folder}/none cannot be read (No such file or directory); expected a file, a folder or s3://…",
        f"{folder}/none* matches no file; expected at least one",
        f"{folder}/pipe is no regular file; expected one, or a folder",
        f"{folder}/b.log",
    ]


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(folder):
    """When it is opened: to be found it need not be readable."""
    (folder / "a.log").chmod(0)
    [source] = Places(Settings()).inputs_at([str(folder / "a.log")])
    assert isinstance(source, Input)
    with pytest.raises(UnreadableInput, match=r"Permission denied"):
        list(source.open())


def test_a_name_that_is_not_utf8_is_told_as_text_and_found_again(tmp_path):
    """Old servers have names in Latin-1; the run ended with an error of Python."""
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.log"))
    file.write_bytes(b"a\n")
    assert found_at(tmp_path) == [f"{tmp_path}/caf\\xe9.log"]
    again = Places(Settings()).input_at(f"{tmp_path}/caf\\xe9.log")
    assert again is not None
    assert list(again.open()) == [b"a\n"]


def test_a_name_may_hold_what_looks_like_bytes_that_are_not_utf8(tmp_path):
    """The name as it is comes first."""
    for name, content in ((b"/\\xe9.log", b"a\n"), (b"/\xe9.log", b"b\n")):
        Path(os.fsdecode(os.fsencode(tmp_path) + name)).write_bytes(content)
    again = Places(Settings()).input_at(f"{tmp_path}/\\xe9.log")
    assert again is not None
    assert list(again.open()) == [b"a\n"]
