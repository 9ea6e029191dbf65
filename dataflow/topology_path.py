"""Topology path: where the packages `agents`, `models` and `tables` are found."""

import sys
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parent


def add_topology_path() -> None:
    """Put their folder in front of this process's path: other packages may have these names, too.

    A wheel has them below this package, so that it installs none of them for other programs. In a checkout
    they stand beside it.
    """
    packed = _PACKAGE / "topology"
    folder = str(packed if packed.is_dir() else _PACKAGE.parent)
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
