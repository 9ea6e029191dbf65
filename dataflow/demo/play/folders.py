"""The folders that a demo runs in: a new one that is removed in the end, or the data folder itself."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dataflow.errors import Misconfigured
from dataflow.file_locks import try_lock


@contextmanager
def fresh_folder(data_dir: Path) -> Iterator[Path]:
    """Give a new folder in the data folder, and remove it in the end."""
    data_dir.mkdir(parents=True, exist_ok=True)
    # What a killed worker may still write is no reason to fail.
    with TemporaryDirectory(prefix="once-", dir=data_dir, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def kept_folder(data_dir: Path) -> Iterator[Path]:
    """Give the data folder itself; raise `Misconfigured` when another demo has it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = try_lock(data_dir / "demo.lock")
    if lock is None:
        raise Misconfigured(
            f"{data_dir} is in use by another demo; expected that to be ended first, "
            "or another folder in DATAFLOW_DATA_DIR"
        )
    try:
        yield data_dir
    finally:
        os.close(lock)
