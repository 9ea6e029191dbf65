"""Commands on terminals of usual sizes: nothing is cut that identifies something."""

from io import StringIO

import pytest
from harness.on_terminal import SIZES, on_terminal, whole
from rich.console import Console

from dataflow.cli.tables import windows_of
from dataflow.cli.wide_table import column_groups
from dataflow.settings import Settings, variable_of


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_settings_have_their_whole_names(width: int, height: int, tmp_path):
    """Four rows were called `DATAFLOW_OPENSEA…`, in the only complete reference."""
    lines = on_terminal(width, height, "settings", folder=tmp_path)
    assert whole(lines, width)
    assert any(len(line) > SIZES[0][0] for line in lines) == (width > SIZES[0][0]), (
        "the size was not asked for"
    )
    words = {word for line in lines for word in line.split("│")[1:2]}
    assert {variable_of(name) for name in Settings.model_fields} <= {word.strip() for word in words}


def test_settings_cut_only_words_for_which_there_is_no_room(tmp_path):
    """One word of 44 characters, and all meanings had ten: `OAUTHBEARE`, `certificat`."""
    lines = on_terminal(80, 24, "settings", folder=tmp_path)
    meanings = [line.split("│")[4].split() for line in lines if line.count("│") == 5]
    words = {word for meaning in meanings for word in meaning}
    assert {"OAUTHBEARER:", "certificate", "credentials"} <= words


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(
    "command",
    [
        ["plan", "--events-per-second", "20000", "--stream", "access-logs"],
        ["secrets", "init", "FOLDER"],
    ],
    ids=" ".join,
)
def test_what_a_command_shows_fits(command: list[str], width: int, height: int, tmp_path):
    """Half of the people who look at it have 80 columns."""
    arguments = [str(tmp_path / "secrets") if word == "FOLDER" else word for word in command]
    assert whole(on_terminal(width, height, *arguments, folder=tmp_path), width)


def test_a_plan_for_many_events_has_whole_names_and_numbers(tmp_path):
    """Whole sentences in the first column left so little room that names of settings were cut in two."""
    lines = on_terminal(
        80, 24, "plan", "--events-per-second", "1000000", "--stream", "bookings", folder=tmp_path
    )
    shown = "\n".join(lines)
    assert "DATAFLOW_IN_FLIGHT_BYTES" in shown
    assert "DATAFLOW_STATE_MEMORY_BYTES" in shown
    assert "19,915 GiB a day" in shown


@pytest.mark.parametrize(("width", "_height"), SIZES)
@pytest.mark.parametrize("key", ["/basket", "/a/long/path/" + "of/many/parts/" * 9 + "end"])
def test_a_table_keeps_its_keys_and_numbers_whole(key: str, width: int, _height: int):
    """Quantiles were a Python dict, and eight numbers beside a long path were cut to nothing."""
    quantiles = {"p50": 12.25, "p90": 1034.5, "p99": 20_000.75}
    entry = {"key": key, "count": 1_234_567, "bytes": 10**13, "errors": 12, "response_time_ms": quantiles}
    answer = {"table": "requests_per_endpoint", "window": "all", "windows": [{"entries": [entry]}]}
    screen = StringIO()
    console = Console(file=screen, width=width)
    for table in windows_of(answer, width):
        console.print(table)
    lines = screen.getvalue().splitlines()
    assert whole(lines, width)
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    numbers = {cell for row in cells for cell in row[1:]} - {""}
    assert numbers == {"1,234,567", "10,000,000,000,000", "12", "12.25", "1,034.50", "20,000.75"}
    assert "".join(row[0] for row in cells).startswith(key)
    assert "response_time_ms p99" in screen.getvalue()


def test_columns_that_do_not_fit_begin_another_table():
    """Each has the names of the rows, and at least one number, however narrow it is."""
    assert column_groups([10, 5, 5, 5], 80) == [[0, 1, 2, 3]]
    assert column_groups([10, 5, 5, 5], 30) == [[0, 1, 2], [0, 3]]
    assert column_groups([10, 50, 50], 30) == [[0, 1], [0, 2]]
    assert column_groups([10], 30) == [[0]]
