"""CSV files: each line once, whatever ends the process, fills the disk or comes again."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.demo.broker.child_process import start_child
from dataflow.errors import SinkUnavailable
from dataflow.sinks.csv_files import CsvFiles, CsvLine, Rotation

HEADER = b"number\r\n"
HOUR_MS = 3_600_000
LARGE = Rotation(most_bytes=1 << 20, period_ms=HOUR_MS)
SMALL = Rotation(most_bytes=40, period_ms=HOUR_MS)
CALLS = ("open", "write", "fsync", "ftruncate", "lseek", "replace", "unlink")


class Crash(BaseException):
    """The process ends here."""


def a_line(offset: int, hour: int = 0) -> CsvLine:
    """Return the line of an offset."""
    return CsvLine(offset, hour * HOUR_MS, b"%d\r\n" % offset)


def lines(start: int, end: int, hour: int = 0) -> list[CsvLine]:
    """Return the lines of some offsets."""
    return [a_line(offset, hour) for offset in range(start, end)]


def append_once(folder: Path, rotation: Rotation, start: int, new: list[CsvLine]) -> None:
    """Append as a process of its own."""
    files = CsvFiles(folder, "events-0", HEADER, rotation)
    files.append(start, start + len(new), new)
    files.close()


def files_in(folder: Path) -> dict[str, bytes]:
    """Return what is in the CSV files."""
    return {file.name: file.read_bytes() for file in sorted(folder.glob("*.csv"))}


def numbers_in(folder: Path) -> list[int]:
    """Return what is in all files; each has one header and whole lines."""
    numbers = []
    for text in files_in(folder).values():
        header, *rest = text.split(b"\r\n")
        assert header + b"\r\n" == HEADER
        assert rest.pop() == b""
        numbers += [int(line) for line in rest]
    return numbers


def test_lines_follow_one_header(tmp_path):
    """A file that begins is named by its first offset."""
    files = CsvFiles(tmp_path, "events-0", HEADER, LARGE)
    files.append(7, 9, lines(7, 9))
    files.append(9, 10, lines(9, 10))
    assert files_in(tmp_path) == {"events-0-00000000000000000007.csv": b"number\r\n7\r\n8\r\n9\r\n"}


def test_a_batch_that_comes_again_adds_nothing_and_a_longer_one_only_its_rest(tmp_path):
    """As after a crash between the fsync and the commit."""
    append_once(tmp_path, LARGE, 0, lines(0, 3))
    again = CsvFiles(tmp_path, "events-0", HEADER, LARGE)
    again.append(0, 3, lines(0, 3))
    again.append(0, 5, lines(0, 5))
    assert numbers_in(tmp_path) == [0, 1, 2, 3, 4]


def test_a_file_ends_before_it_is_too_large_and_when_its_time_is_over(tmp_path):
    """Size and time are those of the records; a late record goes into the file of its time's successor."""
    files = CsvFiles(tmp_path, "events-0", HEADER, SMALL)
    files.append(0, 20, lines(0, 10) + lines(10, 12, hour=1) + lines(12, 14, hour=0) + lines(14, 20, hour=5))
    assert {name: text.count(b"\r\n") - 1 for name, text in files_in(tmp_path).items()} == {
        "events-0-00000000000000000000.csv": 10,
        "events-0-00000000000000000010.csv": 4,
        "events-0-00000000000000000014.csv": 6,
    }
    assert all(len(text) <= SMALL.most_bytes for text in files_in(tmp_path).values())


@settings(max_examples=30)  # each writes to a disk
@given(
    cuts=st.lists(st.integers(1, 30), max_size=8, unique=True),
    hours=st.lists(st.integers(0, 3), min_size=30, max_size=30),
)
def test_the_same_records_make_the_same_files_however_they_are_batched(tmp_path_factory, cuts, hours):
    """So a replay writes what was there."""
    whole, parts = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("parts")
    all_lines = [a_line(offset, hour) for offset, hour in enumerate(hours)]
    append_once(whole, SMALL, 0, all_lines)
    start = 0
    for cut in sorted({*cuts, 30}):
        append_once(parts, SMALL, start, all_lines[start:cut])
        start = cut
    assert files_in(parts) == files_in(whole)


def crashing_at(count: int, monkeypatch: pytest.MonkeyPatch, error: type[BaseException] | OSError) -> None:
    """Make the count-th call to the system fail; a write has then written half."""
    left = [count]

    def breaks(name, real):
        def call(*arguments, **options):
            left[0] -= 1
            if left[0] == 0:
                if name == "write":
                    real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                raise error
            return real(*arguments, **options)

        return call

    for name in CALLS:
        monkeypatch.setattr(os, name, breaks(name, getattr(os, name)))


def write_four_batches(folder: Path) -> None:
    """Write from wherever a crash has left it: as the group has it, from the last commit on."""
    files = CsvFiles(folder, "events-0", HEADER, SMALL)
    committed_file = folder / "committed"
    committed = int(committed_file.read_text()) if committed_file.exists() else 0
    try:
        for end in range(committed + 8, 33, 8):
            files.append(end - 8, end, lines(end - 8, end))
            with committed_file.open("w") as file:
                file.write(str(end))
    finally:
        files._release()  # as the end of the process does


@pytest.mark.parametrize("count", range(1, 60))
def test_a_crash_at_any_call_to_the_system_loses_and_doubles_nothing(tmp_path, monkeypatch, count):
    """No half line either: the tail that was not acknowledged is cut off."""
    with monkeypatch.context() as patched:
        crashing_at(count, patched, Crash)
        with contextlib.suppress(Crash):
            write_four_batches(tmp_path)
    write_four_batches(tmp_path)
    assert numbers_in(tmp_path) == list(range(32))


@pytest.mark.parametrize("count", range(1, 60))
def test_a_disk_that_is_full_at_any_moment_is_an_outage_after_which_nothing_is_missing(
    tmp_path, monkeypatch, count
):
    """The same object is used again: nothing of the failed try is left in it."""
    files = CsvFiles(tmp_path, "events-0", HEADER, SMALL)
    outages = []
    with monkeypatch.context() as patched:
        crashing_at(count, patched, OSError(errno.ENOSPC, "No space left on device"))
        for start in range(0, 32, 8):
            for _ in range(3):
                try:
                    files.append(start, start + 8, lines(start, start + 8))
                    break
                except SinkUnavailable as error:
                    outages.append(str(error))
    assert outages in ([], ["CSV: [Errno 28] No space left on device"])
    assert numbers_in(tmp_path) == list(range(32))


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount a small file system")
def test_a_file_system_that_is_really_full_takes_everything_once_there_is_room(tmp_path):
    """The real thing: 64 KiB of tmpfs, filled by somebody else."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], check=False).returncode:
        pytest.skip("mount is not allowed here")
    try:
        files = CsvFiles(tmp_path, "events-0", HEADER, Rotation(8_192, HOUR_MS))
        files.append(0, 100, lines(0, 100))
        ballast = tmp_path / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 1_024)
        with pytest.raises(SinkUnavailable, match="No space left on device"):
            files.append(100, 5_000, lines(100, 5_000))
        ballast.unlink()
        files.append(100, 5_000, lines(100, 5_000))
        assert numbers_in(tmp_path) == list(range(5_000))
        files.close()
    finally:
        subprocess.run(["umount", tmp_path], check=True)


ENDLESS = """
import sys; from pathlib import Path
from test_sinks_csv_files import *
folder = Path(sys.argv[1]); files = CsvFiles(folder, "events-0", HEADER, Rotation(4_000, HOUR_MS))
committed = folder / "committed"; start = int(committed.read_text() or 0) if committed.exists() else 0
print("begun", flush=True)
while True:
    files.append(start, start + 50, lines(start, start + 50)); start += 50
    new = folder / "committed.new"; new.write_text(str(start)); new.replace(committed)
"""


def number_in(file: Path) -> int:
    """Return the number that a file holds; 0 before it is there."""
    return int(file.read_text()) if file.exists() else 0


def test_a_process_killed_again_and_again_leaves_whole_lines_each_once(tmp_path):
    """SIGKILL at moments that nobody has chosen."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(Path.cwd())])}
    random = Random(1)
    committed = tmp_path / "committed"
    for _ in range(5):
        child = start_child(
            [sys.executable, "-c", ENDLESS, str(tmp_path)], env=environment, stdout=subprocess.PIPE
        )
        with child:
            assert child.stdout.readline() == b"begun\n"
            enough = number_in(committed) + random.randrange(50, 5_000)  # the moment is the test
            while number_in(committed) < enough:
                assert child.poll() is None
            child.send_signal(signal.SIGKILL)
    end = number_in(committed)
    append_once(tmp_path, Rotation(4_000, HOUR_MS), end, lines(end, end + 50))
    assert numbers_in(tmp_path) == list(range(end + 50))


def append_of(folder: Path, topic_id: str, start: int, end: int) -> None:
    """Append lines of a topic as a process of its own."""
    files = CsvFiles(folder, "events-0", HEADER, LARGE)
    try:
        files.append(start, end, lines(start, end), topic_id)
    finally:
        files.close()


def test_records_of_the_same_topic_that_come_again_are_skipped_however_old_they_are(tmp_path):
    """Committed offsets may expire or be reset: the sink waited for good, its advice doubled all."""
    append_of(tmp_path, "a1", 0, 5)
    append_of(tmp_path, "a1", 5, 9)
    append_of(tmp_path, "a1", 0, 3)
    append_of(tmp_path, "a1", 3, 12)
    append_of(tmp_path, "", 9, 14)  # a broker that tells no id
    append_of(tmp_path, "a1", 0, 15)
    assert numbers_in(tmp_path) == list(range(15))


def test_files_of_a_topic_that_was_created_again_wait_until_they_have_been_moved(tmp_path):
    """Its records must not be skipped as repetitions; what is advised works while the worker runs."""
    append_of(tmp_path, "a1", 0, 9)
    again = CsvFiles(tmp_path, "events-0", HEADER, LARGE)
    for first in (0, 9, 20):
        with pytest.raises(SinkUnavailable) as told:
            again.append(first, first + 3, lines(first, first + 3), "b2")
    assert str(told.value) == (
        "CSV: topic id of events-0 is b2; expected a1, as the files are of a topic that was deleted since "
        "then, or of a log that has lost records. To store what has come since, move events-0-*.csv and "
        ".events-0.position to another folder"
    )
    assert numbers_in(tmp_path) == list(range(9))
    old = tmp_path / "old"
    old.mkdir()
    for file in [*tmp_path.glob("events-0-*.csv"), tmp_path / ".events-0.position"]:
        file.rename(old / file.name)
    again.append(0, 3, lines(0, 3), "b2")
    assert (numbers_in(old), numbers_in(tmp_path)) == (list(range(9)), [0, 1, 2])


def test_older_records_of_a_topic_without_an_id_wait_with_an_advice_that_doubles_nothing(tmp_path):
    """Nobody can tell whether they are repetitions: files of an earlier release, or a broker before 2.8."""
    files = CsvFiles(tmp_path, "events-0", HEADER, LARGE)
    files.append(0, 5, lines(0, 5))
    files.append(5, 9, lines(5, 9))
    with pytest.raises(SinkUnavailable) as told:
        files.append(0, 3, lines(0, 3), "a1")
    assert str(told.value) == (
        "CSV: first offset of events-0 is 0; expected at least 5, as the files have all events below "
        "offset 9. Stop the workers of this sink, and reset the committed offset of this partition to 9. "
        "Only if the topic was deleted and created again, move events-0-*.csv and .events-0.position to "
        "another folder instead: otherwise each event would be stored twice"
    )
    files.append(9, 11, lines(9, 11), "a1")
    files.append(0, 12, lines(0, 12), "a1")  # known by now
    assert numbers_in(tmp_path) == list(range(12))


@pytest.mark.parametrize("damaged", [b"", b"\0" * 90, b'{"file":"\xff"}', b"[" * 3_000])
def test_a_position_that_is_damaged_waits_until_it_has_been_moved(tmp_path, damaged):
    """It ended the worker, and so did every start of it; other partitions are stored meanwhile."""
    append_once(tmp_path, LARGE, 0, lines(0, 2))
    (tmp_path / ".events-0.position").write_bytes(damaged)
    with pytest.raises(SinkUnavailable, match=r"events-0.position is damaged .* Move it and events-0-\*.csv"):
        append_once(tmp_path, LARGE, 2, lines(2, 3))
    (tmp_path / "old").mkdir()
    for file in (".events-0.position", *files_in(tmp_path)):
        (tmp_path / file).rename(tmp_path / "old" / file)
    append_once(tmp_path, LARGE, 2, lines(2, 3))
    assert numbers_in(tmp_path) == [2]


def test_files_have_one_writer(tmp_path):
    """A worker that was taken for dead may still be writing."""
    first = CsvFiles(tmp_path, "events-0", HEADER, LARGE)
    first.append(0, 1, lines(0, 1))
    second = CsvFiles(tmp_path, "events-0", HEADER, LARGE)
    with pytest.raises(SinkUnavailable, match="is being written by another process"):
        second.append(1, 2, lines(1, 2))
    first.close()
    second.append(1, 2, lines(1, 2))
    assert numbers_in(tmp_path) == [0, 1]
