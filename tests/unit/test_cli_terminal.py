"""What commands print for programs, and for people."""

import json
from io import StringIO
from pathlib import Path
from types import MappingProxyType

import pytest
from rich.console import Console

from dataflow.cli.terminal import print_json, table_of
from dataflow.cli.whole_words import spread


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


STREAMS = [
    ("analytics-events", "recovering", "4/4", 0, 0.0, 1_234_567, 1_234_567, 0, 0),
    ("access-logs", "running", "4/4", 12, 0.25, 1_000_000, 44, 7, 2),
]
COLUMNS = ("stream", "state", "partitions", "lag", "freshness (s)", "received", "sent", "dropped", "dead")


@pytest.mark.parametrize("width", [80, 120])
def test_words_stay_whole_in_a_table_of_many_columns(width: int):
    """`running` was `runni` and `ng`, and `checkpoint` was three lines, though there was room for both."""
    screen = StringIO()
    Console(file=screen, width=width).print(table_of(COLUMNS, STREAMS))
    lines = screen.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]
    assert [row[:4] for row in rows] == [["analytics-events", "recovering", "4/4", "0"],
                                         ["access-logs", "running", "4/4", "12"]]  # fmt: skip
    assert rows[0][5:7] == ["1,234,567", "1,234,567"]


def test_what_takes_most_lines_gets_most_of_the_room():
    """The column of sentences had eight characters, and the one beside it more than it filled."""
    assert spread([5, 8], [5, 90], 40) == [5, 35]
    assert spread([5, 8], [6, 9], 40) == [6, 9]
