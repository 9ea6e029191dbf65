"""CSV of an answer: the same rows, nothing that a spreadsheet runs, and a name that says what is missing."""

import csv
import io
import json

import msgspec
import pytest

from dataflow.web.answer import Lag, Partitions
from dataflow.web.csv_sheet import Sheet, sheet_response
from dataflow.web.table_answer import Apart, TableAnswer, TableWindow, sheet_of
from dataflow.web.workers import SilentWorker, WorkersAnswer
from dataflow.web.workers import sheet_of as workers_sheet

START, END = "2026-01-31T12:00:00Z", "2026-01-31T12:01:00Z"
SILENT = SilentWorker("http://x", "is away")
HOSTILE = ['=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "a,b\r\nc", '"']


def read(sheet: Sheet) -> list[dict[str, str]]:
    """Return the rows as a spreadsheet has them."""
    body = sheet_response(sheet).body
    assert isinstance(body, bytes)
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def answer_of(*entries: dict, after: str | None = None, missing: tuple[int, ...] = ()) -> TableAnswer:
    """Return an answer with one window; its entries are JSON already, as those of a worker."""
    raw = msgspec.Raw(msgspec.json.encode(entries))
    window = TableWindow(START, END, closed=True, total=len(entries), entries=raw)
    partitions, lag = Partitions([0], list(missing)), Lag(0, 0.0)
    return TableAnswer("requests", "minute", [window], after, partitions, lag, Apart(0, 0, 0), {}, None)


def test_each_entry_is_a_row_with_its_window():
    """Who opens the file has no other place to see of which minute a number is."""
    quantiles = {"p50": 1.5, "p99": None}
    rows = read(
        sheet_of(answer_of({"key": "a", "count": 2, "ms": quantiles, "top": [{"value": "x", "count": 1}]}))
    )
    assert rows == [
        {
            "start": START, "end": END, "key": "a", "count": "2",
            "ms p50": "1.5", "ms p99": "", "top": '[{"value":"x","count":1}]',
        }
    ]  # fmt: skip


@pytest.mark.parametrize("key", HOSTILE)
def test_a_key_that_a_sender_made_up_is_no_formula(key: str):
    """As in the files of the CSV sink; a number stays one."""
    [row] = read(sheet_of(answer_of({"key": key, "count": -3})))
    assert row["count"] == "-3"
    assert row["key"].replace("'", "") == key
    assert not row["key"].lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize(
    ("sheet", "name"),
    [
        (sheet_of(answer_of()), "requests.csv"),
        (sheet_of(answer_of(after="/tables/requests?limit=1&after=0:1")), "requests-incomplete.csv"),
        (sheet_of(answer_of(missing=(2,))), "requests-incomplete.csv"),
        (workers_sheet(WorkersAnswer([], [], {})), "workers.csv"),
        (
            workers_sheet(WorkersAnswer([], [SilentWorker("http://x", "is away")], {})),
            "workers-incomplete.csv",
        ),
        (workers_sheet(WorkersAnswer([], [], {"expedia": [0]})), "workers-incomplete.csv"),
    ],
)
def test_the_name_of_the_file_says_that_something_is_missing(sheet: Sheet, name: str):
    """A file is sent on without the page that has said so."""
    assert f'filename="{name}"' in sheet_response(sheet).headers["Content-Disposition"]


def test_a_script_finds_the_next_page():
    """Nobody counts on what one answer holds."""
    response = sheet_response(sheet_of(answer_of(after="/tables/requests?limit=1&after=0:1")))
    assert response.headers["Link"] == '</tables/requests?limit=1&after=0:1&format=csv>; rel="next"'
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"


def test_a_sheet_is_as_wide_as_its_fields_whatever_is_counted():
    """A thousand rows with names of their own made a million cells, and the worker was silent."""
    rules = [{f"rule {stream} {rule}": 1 for rule in range(100)} for stream in range(3)]
    rows = read(Sheet("streams", [{"stream": n, "dropped": dropped} for n, dropped in enumerate(rules)]))
    assert [list(row) for row in rows] == [["stream", "dropped"]] * 3
    assert [json.loads(row["dropped"]) for row in rows] == rules
