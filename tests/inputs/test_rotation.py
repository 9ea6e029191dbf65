"""Logs that grow, are rotated, copied and packed: each of their lines once, in any order of things."""

import gzip
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inputs.runs import Runs, WrittenLog
from msgspec import structs

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DEEDS = ("write", "begin_line", "run", "run_and_die", "rotate", "copy_and_truncate", "pack", "copy", "touch")

SAME_SECOND = b'10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /%d HTTP/1.1" 200 5\n'


@pytest.fixture
def log(tmp_path: Path) -> WrittenLog:
    """Return a log of some lines in a folder of its own."""
    log = WrittenLog(tmp_path / "access.log")
    log.write(5)
    return log


def test_a_second_run_adds_nothing(log):
    """Nothing is read for it, either: path, size and version are known."""
    runs = Runs()
    assert runs.run(log.path.parent).inputs_read == 1
    again = runs.run(log.path.parent)
    assert (again.lines, again.already_in, again.checkpoints) == (0, 1, {})
    assert runs.lines == log.lines


def test_a_log_that_grew_yields_its_new_whole_lines(log):
    """The line that is being written is left, and read when it has its end."""
    runs = Runs()
    runs.run(log.path)
    log.write(3)
    log.begin_line()
    assert runs.run(log.path).unfinished == [str(log.path)]
    assert runs.lines == log.lines
    log.end_line()
    assert runs.run(log.path).unfinished == []
    assert runs.lines == log.lines


@pytest.mark.parametrize("name", ["access.log.1", "a-access.log", "old/access.log"])
def test_a_rotated_log_is_known_wherever_it_goes(log, name):
    """Also if its new name comes first, and if lines came in between."""
    runs = Runs()
    runs.run(log.path.parent)
    log.write(2)
    (log.path.parent / name).parent.mkdir(exist_ok=True)
    log.path.rename(log.path.parent / name)
    log.write(3)
    runs.run(log.path.parent)
    assert sorted(runs.lines) == sorted(log.lines)


@pytest.mark.parametrize("name", ["access.log.1", "a-access.log"])
def test_a_log_that_is_copied_and_truncated_is_known(log, name):
    """As logrotate does with copytruncate."""
    runs = Runs()
    runs.run(log.path.parent)
    log.write(2)
    shutil.copy(log.path, log.path.parent / name)
    runs.run(log.path.parent)  # between the copy and the truncation
    os.truncate(log.path, 0)
    log.write(3)
    runs.run(log.path.parent)
    assert sorted(runs.lines) == sorted(log.lines)


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstd.compress)])
def test_a_log_that_is_packed_is_known(log, suffix, pack):
    """Its unpacked content is compared; new lines in it are read."""
    runs = Runs()
    runs.run(log.path.parent)
    log.write(2)
    packed = log.path.with_name(f"access.log.1{suffix}")
    packed.write_bytes(pack(log.path.read_bytes()))
    log.path.unlink()
    assert runs.run(log.path.parent).lines == 2
    assert runs.run(log.path.parent).already_in == 1
    assert runs.lines == log.lines


def test_a_copy_adds_nothing_as_it_was_and_as_it_is(log):
    """The same content at two paths is one input."""
    runs = Runs()
    shutil.copy(log.path, log.path.with_name("before.log"))
    log.write(4)
    shutil.copy(log.path, log.path.with_name("now.log"))
    runs.run(log.path.parent)
    assert runs.lines == log.lines
    assert runs.run(log.path.parent).already_in == 3


def test_two_logs_that_begin_alike_are_two(tmp_path):
    """A health check at the same second in the logs of two servers, say."""
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_bytes(b"the same\nof %b\n" % name.encode())
    runs = Runs()
    runs.run(tmp_path / "a.log")
    runs.run(tmp_path)
    assert sorted(runs.lines) == [b"of a.log", b"of b.log", b"the same", b"the same"]


@pytest.mark.parametrize("columns", [34, 70, 140, 2_000])
def test_logs_with_the_same_header_are_told_apart_without_opening_the_others(tmp_path, monkeypatch, columns):
    """Each object of CloudFront begins with its columns. Their number must not be felt: 200 took 40 s."""
    header = b"#Version: 1.0\n#Remark: " + b"x-edge-location " * columns + b"\n"
    for number in range(20):
        file = tmp_path / f"{number:02}.gz"
        file.write_bytes(gzip.compress(header + SAME_SECOND % number * 1_000))
    looked_at: list[str] = []
    monkeypatch.setattr("inputs.runs.file_at", looked_at.append)
    runs = Runs()
    assert runs.run(tmp_path).inputs_read == 20
    assert len(set(runs.lines)) == 2 + 20
    assert looked_at == []


def test_a_log_with_the_long_header_of_one_that_is_gone_is_read(tmp_path):
    """Objects of a bucket expire; each new one was refused then, as one that was changed."""
    header = b"#Remark: " + b"x-edge-location " * 100 + b"\n"
    runs = Runs()
    for number in range(3):
        file = tmp_path / f"{number}.log"
        file.write_bytes(header + SAME_SECOND % number * 100)
        assert runs.run(tmp_path).lines == 101
        file.unlink()


def test_what_an_earlier_release_has_read_is_known(log):
    """It kept the first 512 bytes of each; a log that was renamed since is recognized by them."""
    log.write(50)
    runs = Runs()
    runs.run(log.path)
    [(key, kept)] = runs.checkpoints.items()
    assert len(kept.begin) > 512
    runs.checkpoints[key] = structs.replace(kept, begin=kept.begin[:512], prefixes=b"")
    log.write(2)
    log.path.rename(log.path.with_name("access.log.1"))
    assert runs.run(log.path.parent).lines == 2
    assert runs.lines == log.lines


@pytest.mark.parametrize("change", ["shorter", "other"])
def test_a_file_that_was_changed_where_it_was_read_is_refused(tmp_path, change):
    """Which of its lines are in, nobody can tell; other files are read."""
    file, other = tmp_path / "a.log", tmp_path / "b.log"
    raw = b"".join(
        b'10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /%d HTTP/1.1" 200 5\n' % number
        for number in range(1_000)
    )
    file.write_bytes(raw)
    runs = Runs()
    runs.run(tmp_path)
    file.write_bytes(raw[:5_000] if change == "shorter" else raw.replace(b"/500 ", b"/5oo "))
    other.write_bytes(b"another\n")
    told = runs.run(tmp_path)
    [failed] = told.failed
    assert failed.startswith(f"{file} begins as {file}, of which {len(raw)} bytes were read, but is shorter")
    assert (told.lines, told.inputs_read) == (1, 1)


def test_a_last_line_without_an_end_is_taken_an_hour_later(tmp_path):
    """Then nobody is writing it any more."""
    file = tmp_path / "a.log"
    file.write_bytes(b"one\ntwo")
    runs = Runs()
    assert runs.run(file).unfinished == [str(file)]
    os.utime(file, (1_700_000_000, 1_700_000_000))
    assert runs.run(file).lines == 1
    assert runs.run(file).already_in == 1
    assert runs.lines == [b"one", b"two"]


@pytest.mark.parametrize(("tail", "taken"), [(b'{"a":2}', True), (b'{"a":2', False), (b"2", False)])
def test_a_json_object_without_a_line_feed_is_whole_with_its_last_bracket(tmp_path, tail, taken):
    """Files that are written at one go often end so."""
    file = tmp_path / "a.ndjson"
    file.write_bytes(b'{"a":1}\n' + tail)
    runs = Runs("bookings")
    told = runs.run(file)
    assert runs.lines == [b'{"a":1}', tail][: 1 + taken]
    assert bool(told.unfinished) != taken
    with file.open("ab") as more:
        more.write(b"}\n" if tail.endswith(b"2") and b"{" in tail else b"\n")
    runs.run(file)
    assert len(runs.lines) + len(runs.dead) == 2


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(DEEDS), min_size=8, max_size=40), st.integers(0, 9))
def test_whatever_is_done_to_a_log_each_of_its_lines_comes_once(deeds: list[str], seed: int):
    """Between any two runs, whether they end or die."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("dataflow.inputs.transaction_chunk.CHUNK_BYTES", 1_500)
        patch.setattr("dataflow.inputs.files.PIECE_BYTES", 700)
        rotating = RotatingLog(Path(folder), seed)
        for deed in deeds:
            getattr(rotating, deed)()
        rotating.log.end_line()
        assert rotating.run() == []
        assert sorted(rotating.runs.lines) == sorted(rotating.log.lines)


class RotatingLog:
    """A log with everything that may happen to it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.log = WrittenLog(folder / "access.log", seed)
        self.runs = Runs()
        self._folder = folder
        self._random = random.Random(seed)
        self._named = 0

    def write(self) -> None:
        """Write some lines."""
        self.log.write(self._random.randrange(1, 6))

    def begin_line(self) -> None:
        """Begin a line, and leave it."""
        self.log.begin_line()

    def run(self) -> list[str]:
        """Run to the end; return what could not be read."""
        return self.runs.run(self._folder).failed

    def run_and_die(self) -> None:
        """Run, and die behind some transaction."""
        self.runs.run(self._folder, most_loads=self._random.randrange(3))

    def rotate(self) -> None:
        """Give the log another name."""
        self.log.end_line()
        if self.log.path.exists():
            self.log.path.rename(self._new_path("log"))

    def copy_and_truncate(self) -> None:
        """Rotate as programs need it that do not open their log anew."""
        self.log.end_line()
        if self.log.path.exists():
            shutil.copy(self.log.path, self._new_path("log"))
            if self._random.random() < 0.5:
                self.run()
            os.truncate(self.log.path, 0)

    def pack(self) -> None:
        """Pack a rotated log."""
        plain = [path for path in self._folder.glob("*.log") if path.name[1:2] == "-"]
        if plain:
            chosen = self._random.choice(sorted(plain))
            Path(f"{chosen}.gz").write_bytes(gzip.compress(chosen.read_bytes(), mtime=0))
            chosen.unlink()

    def copy(self) -> None:
        """Make a backup of the log as it is."""
        if self.log.path.exists():
            shutil.copy(self.log.path, self._new_path("copy"))

    def touch(self) -> None:
        """Make files look changed that are not."""
        for path in self._folder.iterdir():
            if self._random.random() < 0.5:
                os.utime(path)

    def _new_path(self, suffix: str) -> Path:
        self._named += 1  # before or behind access.log in the order of the names
        return self._folder / f"{self._random.choice('0z')}-{self._named}.{suffix}"
