"""Named formats: those of known programs, each a small file of data in `formats/`."""

from functools import cache
from importlib.resources import files

import msgspec

from dataflow.stages.access_log.columns import layout_parts
from dataflow.stages.access_log.format_string import compile_format
from dataflow.stages.access_log.json_format import JsonFormat
from dataflow.stages.access_log.line_format import LineFormat
from dataflow.stages.access_log.w3c_format import W3cFormat

Fields = dict[str, str | int | float | bool]


class ExampleLine(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A line of a format, and the fields that come out of it; the others are null."""

    line: str
    fields: Fields


class FormatFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One file of `formats/`; one of `layout`, `format`, `order` and `requires` says what lines look like."""

    title: str
    examples: list[ExampleLine]
    layout: str | None = None
    """Columns by the words of `columns.COLUMNS`, as ``<client> [<time>] "<request>"``."""
    format: str | None = None
    """A format string of nginx or Apache."""
    order: str | None = None
    """W3C: the columns in their usual order; a ``#Fields:`` line changes it. A ``|`` stands where lines of
    earlier releases end."""
    requires: list[str] = []
    """JSON: the keys by which lines are known."""
    unless: dict[str, list[str]] = {}
    """JSON: values of keys with which a line tells of no request."""
    columns: dict[str, str] = {}
    """W3C and JSON: what the columns or keys are."""
    separator: str = " "
    """W3C: what stands between two columns."""
    known_by: str | None = None
    """W3C: the column that only this format has."""
    zone: str | None = None
    """Of times without one."""
    wraps: bool = False
    """Each line holds one of another format."""


@cache
def format_files() -> dict[str, FormatFile]:
    """Return all named formats, by their names."""
    folder = files(__package__) / "formats"
    read = {
        entry.name.removesuffix(".toml"): msgspec.toml.decode(entry.read_bytes(), type=FormatFile)
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    }
    return dict(sorted(read.items()))


NamedFormat = LineFormat | JsonFormat | W3cFormat


def compile_named(name: str, zone: str | None) -> NamedFormat:
    """Return what parses lines of a named format that wraps no other; its times are in `zone`, if in none."""
    file = format_files()[name]
    if file.layout is not None:
        return LineFormat(layout_parts(file.layout, name), escapes=True, zone=zone or file.zone)
    if file.format is not None:
        return compile_format(file.format, zone)
    if file.requires:
        return JsonFormat(name, file.requires, file.columns, file.unless)
    return W3cFormat(name, file.columns, file.order or "", file.separator, file.known_by, zone or file.zone)
