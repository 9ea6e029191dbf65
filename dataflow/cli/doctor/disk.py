"""Disk: whether the folders of the settings can be written and have room."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from dataflow.cli.doctor.finding import Finding, error, ok, warning
from dataflow.settings import Settings

CHECK = "disk"
LITTLE_BYTES, LITTLE_RATIO = 2 << 30, 0.05


def disk(settings: Settings) -> Iterator[Finding]:
    """Look at the folders of this machine."""
    folders = {"DATAFLOW_DATA_DIR": settings.data_dir, "DATAFLOW_CSV_DIR": settings.csv_dir}
    for variable, folder in folders.items():
        if folder is not None:
            yield _finding(variable, folder)


def _finding(variable: str, folder: Path) -> Finding:
    found, expected = f"{variable} is {folder}", "a folder that this user may write"
    remedy = "mount a volume there, or give it to the user of this process"
    try:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
    except OSError as fault:
        return error(CHECK, f"{found}, which cannot be looked at: {fault.strerror}", expected, remedy)
    if not existing.is_dir():
        return error(CHECK, f"{found}; {existing} is no folder", expected, remedy)
    usage = shutil.disk_usage(existing)
    if not os.access(existing, os.W_OK | os.X_OK) or not usage.total:  # /proc, say, keeps nothing
        return error(CHECK, f"{found}, which cannot be written", expected, remedy)
    found += f", with {usage.free / 2**30:,.1f} GiB free of {usage.total / 2**30:,.1f}"
    if usage.free >= max(LITTLE_BYTES, usage.total * LITTLE_RATIO):
        return ok(CHECK, found)
    expected = f"at least {LITTLE_BYTES >> 30} GiB, and {LITTLE_RATIO:.0%}"
    return warning(CHECK, found, expected, "delete what is not needed, or use a larger volume")
