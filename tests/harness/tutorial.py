"""The tutorial: its code taken from the page, and put where the page says."""

import re
from pathlib import Path

from markdown_pages import ROOT

PAGE = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
FILES = dict(re.findall(r"`([\w/]+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL))
DIFFS = re.findall(r"```diff\n(.*?)```", PAGE, re.DOTALL)
CHANGED = "dataflow/web/routes.py"


def follow(folder: Path) -> None:
    """Write the files of the page into a checkout, and make its changes."""
    for path, source in FILES.items():
        file = folder / path
        assert not file.exists()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    routes = folder / CHANGED
    for diff in DIFFS:
        routes.write_text(changed(routes.read_text(), diff))


def changed(source: str, diff: str) -> str:
    """Apply a diff of the page to a file, which has its context once."""
    lines = diff.splitlines()
    before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
    after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
    assert source.count(before) == 1
    return source.replace(before, after)
