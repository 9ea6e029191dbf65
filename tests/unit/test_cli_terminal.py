"""What commands print for programs, and for people."""

import json
from io import StringIO
from pathlib import Path
from types import MappingProxyType

import pytest
from rich.console import Console

from dataflow.cli.terminal import print_json, table_of


def test_in_a_pipe_every_mapping_is_an_object(capsys):
    """`dataflow topics | jq` had the settings of topics as a text that only Python reads."""
    print_json({"configs": MappingProxyType({"cleanup.policy": "compact"}), "folder": Path("data")})
    assert json.loads(capsys.readouterr().out) == {"configs": {"cleanup.policy": "compact"}, "folder": "data"}


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_terminal_cuts_nothing(width: int):
    """Four settings were all called `DATAFLOW_OPENSEA…`, and of a dead letter even the time was cut."""
    name, prose = "DATAFLOW_OPENSEARCH_INDEX_PREFIX", "Prefix of the indexes, of which there is one a day."
    screen = StringIO()
    console = Console(file=screen, width=width)
    console.print(table_of(("name", "at", "meaning"), [(name, "2026-01-31 12:00:00", prose)]))
    shown = screen.getvalue()
    assert "…" not in shown
    assert name in shown
    cells = [line.split("│")[1:-1] for line in shown.splitlines() if "│" in line]
    columns = ["".join(cell.strip() for cell in column) for column in zip(*cells, strict=True)]
    assert columns[0] == name
    assert columns[2].replace(" ", "") == prose.replace(" ", "")
