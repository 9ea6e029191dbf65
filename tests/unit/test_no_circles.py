"""Imports: no module needs itself, however far around and for whatever purpose."""

import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

OURS = ("dataflow", "agents", "models", "tables")


def circle_in(*packages: str) -> list[str]:
    """Return modules that import one another in a circle, imports under TYPE_CHECKING too."""
    graph = grimp.build_graph(*packages, exclude_type_checking_imports=False, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_our_modules_import_each_other_in_one_direction():
    """Who reads a file needs to know only those below; import-linter sees circles in a package alone."""
    assert circle_in(*OURS) == []


def test_a_circle_for_type_checking_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Annotations depend as much on a name as code does."""
    package = tmp_path / "circular_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "above.py").write_text("from circular_package import below\n")
    (package / "below.py").write_text(
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from circular_package import above\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert set(circle_in("circular_package")) == {"circular_package.above", "circular_package.below"}
