"""`dataflow tables`: asks a running worker for its tables, shows one, and has one counted anew."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dataflow.cli import worker_client
from dataflow.cli.terminal import notes, page, people_read, print_json, table_of
from dataflow.cli.wide_table import tables_that_fit

if TYPE_CHECKING:
    from rich.table import Table

Answer = Mapping[str, Any]

MOST_ENTRIES = "1000"  # of one answer

TableName = Annotated[
    str | None, typer.Argument(help="Table; without one, all are listed. `rebuild`: see the next.")
]
Rebuilt = Annotated[str | None, typer.Argument(help="After `rebuild`: the table that is counted anew.")]
FromNow = Annotated[bool, typer.Option("--from-now", help="rebuild: count only what comes from now on.")]
Key = Annotated[str | None, typer.Option(help="Only this key.")]
Window = Annotated[str | None, typer.Option(help="minute, hour, day or all.")]
From = Annotated[
    str | None,
    typer.Option("--from", help="First instant, ISO 8601 UTC; without a range the newest windows."),
]
To = Annotated[str | None, typer.Option("--to", help="Instant after the last, ISO 8601 UTC.")]
Merge = Annotated[bool, typer.Option("--merge", help="Merge the windows into one.")]
Top = Annotated[int | None, typer.Option(min=1, help="Only so many keys a window.")]
Order = Annotated[str | None, typer.Option(help="Aggregation to sort by, such as count.")]
Worker = Annotated[str | None, typer.Option("--url", help="Worker to ask; default: the local one.")]


def tables(
    name: TableName = None,
    rebuilt: Rebuilt = None,
    key: Key = None,
    window: Window = None,
    start: From = None,
    end: To = None,
    merge: Merge = False,
    top: Top = None,
    order: Order = None,
    from_now: FromNow = False,
    url: Worker = None,
) -> None:
    """Show what a worker has counted; count a table anew.

    Any worker answers for the whole cluster; it names missing partitions. In a pipe the output is JSON.

    \b
    Example:
      dataflow tables requests_per_endpoint --window day --merge --top 10
      dataflow tables rebuild stays_per_category --url http://ann:secret@10.0.0.7:6066
    """
    if rebuilt is not None:
        _rebuild(name, rebuilt, url, from_now=from_now)
        return
    path = filter(None, ("tables", name, key if name else None))
    parameters = {"window": window, "from": start, "to": end, "order": order, "limit": name and MOST_ENTRIES}
    parameters |= {"merge": "true" if merge else None, "top": str(top) if top else None}
    _show(name, worker_client.ask(worker_client.address_of(url), *path, **parameters))


def _rebuild(command: str | None, table: str, url: str | None, *, from_now: bool) -> None:
    if command != "rebuild":
        raise typer.BadParameter(f"{table} follows {command}; expected: rebuild {table}")
    worker, parameter = worker_client.address_of(url), str(from_now).lower()
    print_json(worker_client.tell(worker, "tables", table, "rebuild", from_now=parameter))


def _show(name: str | None, answer: Answer) -> None:
    if not people_read():
        print_json(answer)
    elif name is None:
        page().print(list_of_tables(answer))
    else:
        for shown in windows_of(answer, page().width):
            page().print(shown)
        _warn(answer)


def list_of_tables(answer: Answer) -> "Table":
    """Return one row for each table that the worker has."""
    columns = ("name", "topics", "key", "windows", "aggregations")
    return table_of(columns, [[_plain(row[column]) for column in columns] for row in answer["tables"]])


def windows_of(answer: Answer, width: int) -> "list[Table]":
    """Return a table for each window, the summaries in columns; several where they do not fit the width."""
    return [table for window in answer["windows"] for table in _window(answer, window, width)] or [
        table_of(("key",), [], title=f"{answer['table']}: nothing counted yet")
    ]


def _flat(entry: Answer) -> dict[str, object]:
    """Return an entry with a column for each quantile."""
    flat: dict[str, object] = {}
    for name, value in entry.items():
        parts = {f"{name} {part}": one for part, one in value.items()} if isinstance(value, dict) else None
        flat |= {name: value} if parts is None else parts
    return flat


def _window(answer: Answer, window: Answer, width: int) -> "list[Table]":
    entries = [_flat(entry) for entry in window["entries"]]
    columns = list(dict.fromkeys(name for entry in entries for name in entry)) or ["key"]
    span = " – ".join(str(window[edge]) for edge in ("start", "end") if window.get(edge))
    state = "" if window.get("closed") or not span else ", still open"
    title = f"{answer['table']} ({answer['window']}{' ' + span if span else ''}{state})"
    rows = [[_plain(entry.get(column)) for column in columns] for entry in entries]
    return tables_that_fit(columns, rows, title, width)


def _plain(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _warn(answer: Answer) -> None:
    missing = answer["partitions"]["missing"]
    if missing:
        notes().print(f"not in this answer: {missing}", style="yellow", soft_wrap=True)
    for partition, reason in answer["suspended"].items():
        notes().print(f"{partition} counts nothing: {reason}", style="yellow", soft_wrap=True)
    if answer["since"]:
        notes().print(f"it counts since {answer['since']}", style="dim")
    if answer["next"]:
        notes().print(f"more of it: {answer['next']}", style="dim", soft_wrap=True)
    lag = answer["lag"]
    if lag and lag.get("records"):
        notes().print(f"behind the topics by {lag['records']:,} records", style="dim")
