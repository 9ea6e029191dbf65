"""Small disks: a file system in memory that can be filled up, where we may mount one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAY_MOUNT = os.getuid() == 0


@contextmanager
def small_disk(folder: Path, megabytes: int = 48, owner: int = 0) -> Iterator[bool]:
    """Mount one on a folder; tell whether that was allowed."""
    options = f"size={megabytes}m,mode=700,uid={owner}"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    is_small = MAY_MOUNT and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield is_small
    finally:
        if is_small:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write to a folder, whatever files they have open there."""
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leave not one byte of room."""
    with (folder / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(bytes(1 << 16))


def make_room(folder: Path) -> None:
    """Give back what `fill` has taken."""
    (folder / "ballast").unlink()
