"""CSV sheet: the rows of an answer, for spreadsheets, under the address that has it as JSON."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec
from aiohttp import hdrs
from aiohttp.web import Response

from dataflow.sinks.csv_lines import lines_of, without_formula
from dataflow.web.edge import UNKEPT
from dataflow.web.parameter import NoParameters, about

CSV: Final = "text/csv"

MOST_FIELDS: Final = 50
"""Of an object that gets columns: names that are values, as of rules, would make a sheet of any width."""

Row = dict[str, Any]  # what msgspec makes of a struct


class FormatRequest(NoParameters):
    """How an answer that has rows is written."""

    format: Annotated[Literal["json", "csv"], about("How the answer is written; csv: its rows alone")] = (
        "json"
    )


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of an answer."""

    name: str
    rows: Iterable[Row]
    is_whole: bool = True
    """Whether nothing that was asked for is missing: who opens a saved file sees no header, only its name."""
    next: str | None = None
    """Address of the next page."""


SheetOf = Callable[[Any], Sheet]  # each takes an answer of its own type


def rows_of(values: Iterable[object]) -> list[Row]:
    """Return structs as rows."""
    rows: list[Row] = msgspec.to_builtins(list(values))
    return rows


def sheet_response(sheet: Sheet) -> Response:
    """Return a response that browsers save as a file."""
    rows = [dict(_flat(row)) for row in sheet.rows]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines: list[list[object]] = [[*columns], *([row.get(name) for name in columns] for row in rows)]
    name = f"{sheet.name}.csv" if sheet.is_whole else f"{sheet.name}-incomplete.csv"
    headers = {**UNKEPT, hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"'}
    if sheet.next is not None:
        headers[hdrs.LINK] = f'<{sheet.next}&format=csv>; rel="next"'
    body = lines_of(map(without_formula, line) for line in lines)
    return Response(body=body, content_type=CSV, charset="utf-8", headers=headers)


def _flat(row: Row) -> Iterable[tuple[str, object]]:
    """Yield the columns of a row: one for each field of an object; a list and a large object are JSON."""
    for name, value in row.items():
        if isinstance(value, Mapping) and len(value) <= MOST_FIELDS:
            yield from _flat({f"{name} {part}": each for part, each in value.items()})
        elif isinstance(value, (Mapping, Sequence)) and not isinstance(value, str):
            yield name, msgspec.json.encode(value).decode()
        else:
            yield name, value
