"""The cache folder: what is fetched or built once a machine and can be made again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder, made if need be: DATAFLOW_CACHE_DIR, else dataflow in the XDG cache."""
    configured = os.environ.get("DATAFLOW_CACHE_DIR")
    xdg = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(configured).expanduser() if configured else Path(xdg) / "dataflow"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()
