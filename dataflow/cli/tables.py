"""`dataflow tables`: asks a running worker for its tables, and shows one."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dataflow.cli.terminal import notes, page, people_read, print_json, table_of

if TYPE_CHECKING:
    from rich.table import Table

Answer = Mapping[str, Any]

TableName = Annotated[str | None, typer.Argument(help="Table; without one, all are listed.")]
Key = Annotated[str | None, typer.Option(help="Only this key.")]
Window = Annotated[str | None, typer.Option(help="minute, hour, day or all.")]
From = Annotated[str | None, typer.Option("--from", help="First instant, ISO 8601 UTC.")]
To = Annotated[str | None, typer.Option("--to", help="Instant after the last, ISO 8601 UTC.")]
Merge = Annotated[bool, typer.Option("--merge", help="Merge the windows into one.")]
Top = Annotated[int | None, typer.Option(min=1, help="Only so many keys a window.")]
Order = Annotated[str | None, typer.Option(help="Aggregation to sort by, such as count.")]
Worker = Annotated[str | None, typer.Option("--url", help="Worker to ask; default: the local one.")]


def tables(
    name: TableName = None,
    key: Key = None,
    window: Window = None,
    start: From = None,
    end: To = None,
    merge: Merge = False,
    top: Top = None,
    order: Order = None,
    url: Worker = None,
) -> None:
    """Show what a running worker has counted.

    Any worker answers for the whole cluster; it names missing partitions. In a pipe the output is JSON.

    \b
    Example:
      dataflow tables
      dataflow tables stays_per_category --window all
      dataflow tables requests_per_endpoint --window day --merge --top 10
      dataflow tables stays_per_category --url http://10.0.0.7:6066 | jq .windows
    """
    from dataflow.cli.worker_client import address_of, ask

    path = ["tables", *([name] if name else []), *([key] if name and key else [])]
    parameters = {"window": window, "from": start, "to": end, "order": order}
    parameters |= {"merge": "true" if merge else None, "top": str(top) if top else None}
    _show(name, ask(address_of(url), *path, **parameters))


def _show(name: str | None, answer: Answer) -> None:
    if not people_read():
        print_json(answer)
    elif name is None:
        page().print(list_of_tables(answer))
    else:
        for shown in windows_of(answer):
            page().print(shown)
        _warn(answer)


def list_of_tables(answer: Answer) -> "Table":
    """Return one row for each table that the worker has."""
    columns = ("name", "topics", "key", "windows", "aggregations")
    return table_of(columns, [[_plain(row[column]) for column in columns] for row in answer["tables"]])


def windows_of(answer: Answer) -> "list[Table]":
    """Return one table for each window, the summaries in columns."""
    return [_window(answer, window) for window in answer["windows"]] or [
        table_of(("key",), [], title=f"{answer['table']}: nothing counted yet")
    ]


def _window(answer: Answer, window: Answer) -> "Table":
    entries: Sequence[Answer] = window["entries"]
    columns = list(entries[0]) if entries else ["key"]
    span = " – ".join(str(window[edge]) for edge in ("start", "end") if window.get(edge))
    state = "" if window.get("closed") or not span else ", still open"
    title = f"{answer['table']} ({answer['window']}{' ' + span if span else ''}{state})"
    return table_of(columns, [[_plain(entry.get(column)) for column in columns] for entry in entries], title)


def _plain(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _warn(answer: Answer) -> None:
    missing = answer["partitions"]["missing"]
    if missing:
        notes().print(f"not in this answer: {missing}", style="yellow", soft_wrap=True)
    lag = answer["lag"]
    if lag and lag.get("records"):
        notes().print(f"behind the topics by {lag['records']:,} records", style="dim")
