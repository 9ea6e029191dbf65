"""CSV files: appends the lines of one partition to files on disk, each line once."""

import os
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import msgspec

from dataflow.errors import UNREADABLE, SinkUnavailable
from dataflow.file_locks import try_lock
from dataflow.private_files import GROUP_FILE, group_folder


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a new file begins. It depends on the records alone: the same ones always make the same files."""

    most_bytes: int
    """Largest size of a file of more than one line."""
    period_ms: int
    """A file has the records that came to Kafka in one span of this length, counted from 1970 UTC."""


@dataclass(frozen=True, slots=True)
class CsvLine:
    """One line, with its end, and offset and timestamp of its record."""

    offset: int
    timestamp_ms: int
    text: bytes


class Position(msgspec.Struct, frozen=True):
    """How much is durable on disk; kept beside the files, and replaced as a whole after each batch."""

    file: str
    size: int
    """Valid bytes of `file`; bytes after them were never acknowledged."""
    period: int
    batch: int
    """First offset of the last batch: no restart begins before it."""
    end: int
    """Offset of the next record."""
    topic_id: str = ""
    """Id of the topic that the files are of; empty if the broker has told none."""


class CsvFiles:
    """Appends to the files ``<stem>-<first offset>.csv`` of a folder, as their only writer.

    Lines are durable before the position, and the position before offsets are committed.
    After a crash uncommitted bytes are truncated, and records that come again are skipped.
    """

    def __init__(self, folder: Path, stem: str, header: bytes, rotation: Rotation) -> None:
        self._folder, self._stem, self._header, self._rotation = folder, stem, header, rotation
        self._position_file = folder / f".{stem}.position"
        self._name = re.compile(re.escape(stem) + r"-(\d{20})\.csv")
        # The thread of a cancelled write runs to its end; no other may pass it.
        self._alone = threading.Lock()
        self._lock: int | None = None
        self._file: int | None = None
        self._position: Position | None = None

    def append(self, first: int, end: int, lines: Iterable[CsvLine], topic_id: str = "") -> None:
        """Append the lines of a batch with the offsets from `first` to before `end`; skip written ones.

        Raises `SinkUnavailable` if the disk or another process prevents it; then nothing counts as written.
        """
        with self._alone:
            try:
                self._release_if_replaced()
                self._acquire()
                self._append(first, end, lines, topic_id)
            except OSError as error:
                self._release()
                raise SinkUnavailable(f"CSV: {error}") from error
            except SinkUnavailable:
                self._release()  # so that a person can move the files
                raise

    def close(self) -> None:
        """Release the files, so that another process can continue them."""
        with self._alone:
            self._release()

    def _append(self, first: int, end: int, lines: Iterable[CsvLine], topic_id: str) -> None:
        position = self._position
        if position is None:
            position = self._save(Position("", 0, 0, first, first, topic_id))
        self._check_same_topic(position, first, topic_id)
        if end <= position.end:
            return
        new = [line for line in lines if line.offset >= position.end]
        for (name, period), chunk in groupby(self._with_files(new, position), key=lambda row: row[:2]):
            position = self._write(name, period, [text for _, _, text in chunk], position)
        self._save(
            msgspec.structs.replace(position, batch=first, end=end, topic_id=topic_id or position.topic_id)
        )

    def _check_same_topic(self, position: Position, first: int, topic_id: str) -> None:
        """Raise `SinkUnavailable` if the files are, or may be, of a topic that was deleted and created again.

        Records of the same topic that come again, however old, are only skipped.
        """
        stem, end = self._stem, position.end
        move = f"move {stem}-*.csv and {self._position_file.name} to another folder"
        if topic_id and position.topic_id:
            if topic_id != position.topic_id:
                raise SinkUnavailable(
                    f"CSV: topic id of {stem} is {topic_id}; expected {position.topic_id}, as the files are "
                    "of a topic that was deleted since then, or of a log that has lost records. To store "
                    f"what has come since, {move}"
                )
        elif first < position.batch:
            raise SinkUnavailable(
                f"CSV: first offset of {stem} is {first}; expected at least {position.batch}, as the files "
                f"have all events below offset {end}. Stop the workers of this sink, and reset the committed "
                f"offset of this partition to {end}. Only if the topic was deleted and created again, {move} "
                "instead: otherwise each event would be stored twice"
            )

    def _with_files(self, lines: Iterable[CsvLine], position: Position) -> Iterator[tuple[str, int, bytes]]:
        """Yield each line with the file that it belongs in, and that file's period."""
        name, period, size = position.file, position.period, position.size
        for line in lines:
            own = line.timestamp_ms // self._rotation.period_ms
            if not name or own > period or size + len(line.text) > self._rotation.most_bytes:
                name, period, size = f"{self._stem}-{line.offset:020}.csv", own, len(self._header)
            size += len(line.text)
            yield name, period, line.text

    def _write(self, name: str, period: int, texts: list[bytes], position: Position) -> Position:
        size = position.size if position.file == name else 0
        if not size:
            self._open(name, os.O_CREAT | os.O_TRUNC)
            texts = [self._header, *texts]
        assert self._file is not None
        data = b"".join(texts)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        os.fsync(self._file)
        return msgspec.structs.replace(position, file=name, size=size + len(data), period=period)

    def _save(self, position: Position) -> Position:
        new = self._position_file.with_suffix(".new")
        with new.open("wb") as file:
            file.write(msgspec.json.encode(position))
            file.flush()
            os.fsync(file)
        new.replace(self._position_file)
        self._sync_folder()
        self._position = position
        return position

    def _acquire(self) -> None:
        """Lock the files, and truncate what an earlier writer has not committed."""
        if self._lock is not None:
            return
        group_folder(self._folder)
        self._lock = try_lock(self._folder / f".{self._stem}.lock")
        if self._lock is None:
            raise OSError(f"{self._folder / self._stem} is being written by another process")
        if not self._position_file.exists():
            return
        self._position = self._read_position()
        self._remove_files_from(self._position.end)
        name, size = self._position.file, self._position.size
        if name:
            self._check_size(name, size)
            file = self._open(name, 0)
            os.ftruncate(file, size)
            os.lseek(file, 0, os.SEEK_END)

    def _release_if_replaced(self) -> None:
        """Release the files if the last one was moved, deleted, replaced or shortened while it is open.

        Lines would go where nobody finds them.
        """
        if self._file is None or self._position is None:
            return
        held = os.fstat(self._file)
        try:
            named = (self._folder / self._position.file).stat()
        except FileNotFoundError:
            self._release()
            return
        if not os.path.samestat(held, named) or named.st_size < self._position.size:
            self._release()

    def _check_size(self, name: str, size: int) -> None:
        path = self._folder / name
        written = path.stat().st_size if path.exists() else 0
        if written < size:
            raise SinkUnavailable(
                f"CSV: {path} is missing or has been shortened to {written} bytes; expected {size}, which "
                f"are written. Put it back as it was, or move {self._position_file.name} to another folder: "
                "then a new file begins with the next event"
            )

    def _read_position(self) -> Position:
        try:
            return msgspec.json.decode(self._position_file.read_bytes(), type=Position)
        except UNREADABLE as error:
            raise SinkUnavailable(
                f"CSV: {self._position_file} is damaged ({error}). Move it and {self._stem}-*.csv to another "
                "folder: new files begin where the offsets are committed, so the last events may be in both"
            ) from error

    def _remove_files_from(self, offset: int) -> None:
        """Remove files of records that were never acknowledged; these come again."""
        for file in self._folder.iterdir():
            match = self._name.fullmatch(file.name)
            if match and int(match[1]) >= offset:
                file.unlink()

    def _open(self, name: str, flags: int) -> int:
        previous, self._file = self._file, None
        if previous is not None:
            os.close(previous)
        self._file = os.open(self._folder / name, os.O_WRONLY | flags)
        if flags & os.O_CREAT:
            os.fchmod(self._file, GROUP_FILE)
        self._sync_folder()
        return self._file

    def _sync_folder(self) -> None:
        """Make the names of new files durable."""
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _release(self) -> None:
        descriptors = [file for file in (self._file, self._lock) if file is not None]
        self._file = self._lock = self._position = None
        for file in descriptors:
            os.close(file)
