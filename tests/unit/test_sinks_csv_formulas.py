"""Formulas: no cell of a CSV file that a sender filled is run by the spreadsheet that opens it."""

import csv
import io
import json
import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.catalogue.streams.analytics_events import ANALYTICS_EVENTS
from dataflow.settings import Settings
from dataflow.sinks.csv import CsvColumns, configured
from dataflow.sinks.csv_lines import without_formula

STARTS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001  # Excel takes the wide ones, too


def first_cell(device: str, *, escape_formulas: bool = True) -> str:
    """Return what a CSV file has of a device id."""
    event = {"device_id": device, "event_type": "REVENUE", "created_on": "2026-01-31T12:00:00Z"}
    columns = CsvColumns(ANALYTICS_EVENTS, escape_formulas=escape_formulas)
    record = SimpleNamespace(offset=0, timestamp=0, value=json.dumps(event).encode())
    line = columns.line_of(record).text.decode()
    [[device, *_]] = csv.reader(io.StringIO(line, newline=""))
    return device


@pytest.mark.parametrize("start", STARTS)
def test_a_cell_that_would_be_a_formula_gets_an_apostrophe(start: str):
    """`=cmd|' /C calc'!A0` runs a program, `=HYPERLINK` sends the sheet away."""
    for evil in (f"{start}cmd|' /C calc'!A0", start, f" {start.strip() or '='}1+1"):
        assert first_cell(evil) == f"'{evil}"


@given(st.text())
def test_no_cell_begins_as_a_formula_and_nothing_is_lost(text: str):
    """But for a number, which computes nothing."""
    cell = str(without_formula(text))
    assert cell.replace("'", "") == text.replace("'", "")
    if cell.lstrip()[:1] and cell.lstrip()[0] in STARTS:
        float(cell.replace(",", ".").replace(".", "", max(cell.count(".") + cell.count(",") - 1, 0)))


@pytest.mark.parametrize("separator", [*";\t\r\n"])
def test_no_part_of_a_cell_becomes_a_formula_where_another_sign_separates(separator: str):
    """Where numbers have decimal commas, Excel begins a cell at each semicolon, whatever the quotes."""
    for evil in ("=1+1", '"=1+1"', "+1", "@SUM(A1)", "\uff1d1"):
        line = first_cell(f"Mozilla{separator}{evil}{separator}5.0")
        cells = re.split(r"[;\t\r\n]", line)
        assert not [cell for cell in cells if cell.lstrip('"')[:1] and cell.lstrip('"')[0] in STARTS]
    robot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    assert without_formula(robot) is robot


@pytest.mark.parametrize(
    "number", [-5, 1.5, -1e9, None, True, "-5", "+3", "-1.25", "+1e6", "-1,5", "1=1", "a-b"]
)
def test_numbers_and_ordinary_text_stay_as_they_are(number: object):
    """Else a column of temperatures would be text."""
    assert without_formula(number) is number


@pytest.mark.parametrize("almost", ["-5+1", "-5=", "+49 30 1", "--5", "-", "-1,5,", "-\u0665"])
def test_what_only_begins_as_a_number_is_escaped(almost: str):
    """`-5+cmd|' /C calc'!A0` is a formula."""
    assert without_formula(almost) == f"'{almost}"


def test_it_can_be_switched_off(tmp_path, monkeypatch):
    """For readers that are no spreadsheets, and take every byte as it is."""
    assert first_cell("=1", escape_formulas=False) == "=1"
    assert Settings().csv_escape_formulas is True
    event = {"device_id": "=1", "event_type": "REVENUE", "created_on": "2026-01-31T12:00:00Z"}
    record = SimpleNamespace(offset=0, timestamp=0, value=json.dumps(event).encode())
    for escapes, cell in ((True, b"'=1"), (False, b"=1")):
        sink = configured(Settings(csv_dir=tmp_path, csv_escape_formulas=escapes))
        assert sink is not None
        [columns] = sink._columns.values()
        assert columns.line_of(record).text.startswith(cell)
