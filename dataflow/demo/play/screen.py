"""The screen of the demo: counts of streams and tables, as people see them."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.columns import Columns
from rich.console import Group
from rich.text import Text

from dataflow.cli.tables import windows_of
from dataflow.cli.terminal import table_of
from dataflow.cli.worker_client import ask
from dataflow.demo.play.stream_counts import CountsByStream, StreamCounts

TABLES = (
    "stays_per_category",
    "requests_per_endpoint",
    "requests_per_status",
    "views_per_source_category",
    "views_per_page",
)
TOP = 6  # keys of a table on the screen

Answer = Mapping[str, Any]


def totals(worker: str, top: int | None = None, tables: Iterable[str] = TABLES) -> dict[str, Answer]:
    """Ask for the all-time totals of these tables."""
    most = None if top is None else str(top)
    return {name: ask(worker, "tables", name, window="all", merge="true", top=most) for name in tables}


def entries_of(answer: Answer) -> list[Any]:
    """Return the entries of an answer with at most one window."""
    return [entry for window in answer["windows"] for entry in window["entries"]]


def screen(counts: CountsByStream, answers: Mapping[str, Answer], width: int) -> Group:
    """Return the counts of streams, and below it the tables, side by side where there is room."""
    tables = [table for answer in answers.values() for table in windows_of(answer, width)]
    rows = [(stream, *of_stream) for stream, of_stream in counts.items()]
    of_streams = table_of(("stream", *(part.replace("_", "-") for part in StreamCounts._fields)), rows)
    return Group(of_streams, Columns(tables, padding=(0, 2)))


def live_screen(head: str, counts: CountsByStream, answers: Mapping[str, Answer], width: int) -> Group:
    """Return the same below lines that stay on the screen; of the tables the counts alone."""
    narrow = {name: _counts_of(answer) for name, answer in answers.items()}
    return Group(Text(head, overflow="fold"), screen(counts, narrow, width))


def _counts_of(answer: Answer) -> Answer:
    windows = [
        {
            **window,
            "entries": [{name: entry[name] for name in ("key", "count")} for entry in window["entries"]],
        }
        for window in answer["windows"]
    ]
    return {**answer, "windows": windows}
