"""`dataflow tables`: asks a running worker for its tables, shows one, and rebuilds one."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dataflow.cli import worker_client
from dataflow.cli.terminal import notes, page, people_read, print_json, table_of
from dataflow.cli.wide_table import column_groups, tables_that_fit
from dataflow.errors import Misconfigured
from dataflow.instants import range_ms

if TYPE_CHECKING:
    from rich.table import Table

Answer = Mapping[str, Any]

MOST_ENTRIES = "1000"  # of one answer
REBUILD = "rebuild"

TableName = Annotated[
    str | None, typer.Argument(metavar="NAME", help="Table to show, or `rebuild`; default: list all tables.")
]
Rebuilt = Annotated[
    str | None,
    typer.Argument(metavar="TABLE", help="After `rebuild`: the table to count again from its topics."),
]
FromNow = Annotated[bool, typer.Option("--from-now", help="rebuild: count only events from now on.")]
Key = Annotated[str | None, typer.Option(metavar="KEY", help="Show only this key.")]
Window = Annotated[str | None, typer.Option(metavar="SIZE", help="minute, hour, day or all.")]
From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="TIME", help="First instant, ISO 8601 in UTC; default: show the newest windows."
    ),
]
To = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="End, ISO 8601 in UTC; not part of the range.")
]
Merge = Annotated[bool, typer.Option("--merge", help="Merge the windows into one.")]
Top = Annotated[int | None, typer.Option(min=1, help="How many keys of each window.")]
Order = Annotated[
    str | None, typer.Option(metavar="AGGREGATION", help="Aggregation to sort by, such as count.")
]
Worker = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Worker to ask, as http://host:port; default: the local one."),
]


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
    """Show what the workers have counted, or rebuild a table.

    You can ask any worker: it answers for the whole cluster, and says if partitions are missing. `rebuild`
    drops what a table has and counts it again from what its topics still hold. In a pipe the output is JSON.

    \b
    Example:
      dataflow tables requests_per_endpoint --window day --merge --top 10
      dataflow tables rebuild stays_per_category --url http://10.0.0.7:6066
    """
    shown = {"window": window, "from": start, "to": end, "order": order, "merge": "true" if merge else None}
    shown |= {"top": str(top) if top else None, "limit": name and MOST_ENTRIES}
    _check_use(name, rebuilt, {**shown, "key": key, "limit": None}, from_now=from_now)
    if rebuilt is not None:
        _rebuild(rebuilt, url, from_now=from_now)
        return
    _show(name, _ask(url, ("tables", name, key), shown))


def _ask(url: str | None, path: Iterable[str | None], parameters: Mapping[str, str | None]) -> Answer:
    return worker_client.ask(worker_client.address_of(url), *filter(None, path), **parameters)


def _check_use(
    name: str | None, rebuilt: str | None, options: Mapping[str, str | None], *, from_now: bool
) -> None:
    """Raise `Misconfigured` for arguments that have no meaning together; ignored ones would mislead."""
    given = next((f"--{option}" for option, text in options.items() if text is not None), None)
    if rebuilt is not None and name != REBUILD:
        raise Misconfigured(f"TABLE is '{rebuilt}' after '{name}'; expected it only after `rebuild`")
    if name == REBUILD and rebuilt is None:
        raise Misconfigured("TABLE is missing; expected the table to count again after `rebuild`")
    if name == REBUILD and given:
        raise Misconfigured(f"{given} is given with `rebuild`; expected it only with a table to show")
    if name is None and given:
        raise Misconfigured(f"NAME is missing; expected a table, of which {given} chooses a part")
    range_ms(options["from"], options["to"])  # a worker would say how they are written in an address
    if from_now and name != REBUILD:
        raise Misconfigured("--from-now is given without `rebuild`; expected `dataflow tables rebuild TABLE`")


def _rebuild(table: str, url: str | None, *, from_now: bool) -> None:
    worker, parameter = worker_client.address_of(url), str(from_now).lower()
    print_json(worker_client.tell(worker, "tables", table, "rebuild", from_now=parameter))


def _show(name: str | None, answer: Answer) -> None:
    if not people_read():
        print_json(answer)
    elif name is None:
        for shown in lists_of_tables(answer, page().width):
            page().print(shown)
    else:
        for shown in windows_of(answer, page().width):
            page().print(shown)
        _warn(answer)


def lists_of_tables(answer: Answer, width: int) -> "list[Table]":
    """Return one row for each table that there is, in several lists where names would not fit the width."""
    columns = ("name", "topics", "key", "windows", "aggregations")
    rows = [[_plain(row[column]) for column in columns] for row in answer["tables"]]
    longest = [
        max(len(word) for text in (column, *(str(row[at]) for row in rows)) for word in text.split())
        for at, column in enumerate(columns)
    ]
    return [
        table_of([columns[at] for at in group], [[row[at] for at in group] for row in rows])
        for group in column_groups(longest, width)
    ]


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
        notes().print(
            f"These partitions are missing in the answer: {missing}", style="yellow", soft_wrap=True
        )
    for partition, reason in answer["suspended"].items():
        notes().print(f"{partition} is suspended: {reason}", style="yellow", soft_wrap=True)
    if answer["since"]:
        notes().print(f"It counts events since {answer['since']}.", style="dim")
    if answer["next"]:
        notes().print(f"There is more: {answer['next']}", style="dim", soft_wrap=True)
    lag = answer["lag"]
    if lag and lag.get("records"):
        notes().print(f"{lag['records']:,} records of the topics are not counted yet.", style="dim")
