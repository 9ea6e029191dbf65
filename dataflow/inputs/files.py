"""Files: lists the files of a path, a folder or a pattern, in order."""

import os
import re
import stat
import time
from collections.abc import Iterator
from functools import partial
from glob import glob, has_magic
from pathlib import Path

from dataflow.inputs.input import PIECE_BYTES, Input, Pieces, UnreadableInput
from dataflow.inputs.pipes import is_pipe, piped

UNFINISHED_SUFFIXES = (".part", ".tmp")
_NO_UTF8 = re.compile(rb"\\x([89a-f][0-9a-f])")
QUIET_SECONDS = 3_600  # a file that was not written to for so long is complete

Listing = Iterator[Input | UnreadableInput]


def files_at(place: str) -> Listing:
    """Yield a file, all files of a folder with its subfolders, or the files of a pattern.

    Hidden files of folders, and those that end in .part or .tmp, are skipped. A file that
    cannot be inspected is yielded as an error.
    """
    path = Path(place).expanduser()
    if is_pipe(place):
        yield piped(place)
    elif path.is_dir():
        yield from _in_folder(path)
    elif has_magic(place) and not path.exists():
        yield from _of_pattern(str(path))
    else:
        yield _file(path)


def file_at(path: str) -> Input | None:
    """Return the file of a path; None if it does not exist or cannot be read."""
    source = _file(Path(path))
    if not isinstance(source, Input) and "\\x" in path:
        source = _file(_written_as(path))
    return source if isinstance(source, Input) else None


def _of_pattern(pattern: str) -> Listing:
    paths = sorted(glob(pattern, recursive=True))  # noqa: PTH207  # pathlib wants to know where a pattern begins
    if not paths:
        yield UnreadableInput(f"{pattern} matches no file; expected at least one")
    for path in paths:
        if Path(path).is_dir():
            yield from _in_folder(Path(path))
        elif not is_skipped(Path(path).name):
            yield _file(Path(path))


def _in_folder(folder: Path) -> Listing:
    errors: list[OSError] = []
    for root, folders, names in os.walk(folder, onerror=errors.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (Path(root, name) for name in sorted(names) if not is_skipped(name)):
            if path.is_file():
                yield _file(path)
            elif path.is_symlink() and not path.exists():  # else it is a device, or leads to one: /dev/stdout
                yield _misleading(path)
        for path in (Path(root, name) for name in folders):
            if path.is_symlink():
                yield _misleading(path)
    for error in errors:
        yield UnreadableInput(
            f"{error.filename} cannot be read ({error.strerror}); expected a folder that can"
        )


def _misleading(link: Path) -> UnreadableInput:
    if link.is_dir():
        return UnreadableInput(
            f"{_text_of(link)} is a link to a folder, which is not followed; expected the folder's own name"
        )
    return UnreadableInput(
        f"{_text_of(link)} is a link to nowhere ({_text_of(link.readlink())}); expected a file"
    )


def _text_of(path: Path) -> str:
    r"""Return a path as text; bytes of a name that are not UTF-8 become ``\xHH``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _written_as(text: str) -> Path:
    """Return the path of a text that `_text_of` returned."""
    return Path(os.fsdecode(_NO_UTF8.sub(lambda byte: bytes.fromhex(byte[1].decode()), os.fsencode(text))))


def is_skipped(name: str) -> bool:
    """Tell whether a file of a folder is hidden or unfinished."""
    return name.startswith(".") or name.endswith(UNFINISHED_SUFFIXES)


def _file(path: Path) -> Input | UnreadableInput:
    try:
        real = path.resolve(strict=True)
        status = real.stat()
    except (OSError, RuntimeError) as error:
        return UnreadableInput(
            f"{_text_of(path)} cannot be read ({_why(error)}); expected a file, a folder or s3://…"
        )
    if not stat.S_ISREG(status.st_mode):
        return UnreadableInput(f"{_text_of(path)} is no regular file; expected one, or a folder")
    return Input(
        _text_of(real),
        status.st_size,
        f"{status.st_ino}-{status.st_mtime_ns}",
        is_finished=time.time() - status.st_mtime > QUIET_SECONDS,
        open=partial(_pieces, real),
    )


def _pieces(path: Path) -> Pieces:
    try:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece
    except OSError as error:
        raise UnreadableInput(
            f"{_text_of(path)} cannot be read ({_why(error)}); expected a file that can"
        ) from error


def _why(error: OSError | RuntimeError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
