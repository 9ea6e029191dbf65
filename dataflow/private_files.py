"""Private files: what a process writes is for its user alone; files for other tools are for its group."""

import os
from contextlib import suppress
from pathlib import Path

_OTHERS = 0o077
_PRIVATE_FOLDER, _GROUP_FOLDER, GROUP_FILE = 0o700, 0o750, 0o640


def keep_files_private() -> None:
    """Make every file that this process and its children write one of this user alone, whatever the umask."""
    os.umask(os.umask(_OTHERS) | _OTHERS)


def private_folder(path: Path) -> Path:
    """Make a folder that is ours alone; one that an earlier release made for all to read is closed."""
    path.mkdir(parents=True, exist_ok=True)
    if path.stat().st_mode & _OTHERS:
        with suppress(PermissionError):  # a volume that belongs to somebody else
            path.chmod(_PRIVATE_FOLDER)
    return path


def group_folder(path: Path) -> Path:
    """Make a folder, and those above it, that the group may read; those that are there stay as they are."""
    for missing in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
        missing.mkdir(exist_ok=True)
        missing.chmod(_GROUP_FOLDER)
    return path
