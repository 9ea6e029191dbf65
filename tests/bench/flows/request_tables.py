"""Request tables: what a shipped flow has counted in, what is wrong with it out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from counted_requests import TABLES, WINDOWS, CountedRequest, WindowEntry, cells_of, without_sketches
from flows.flow import Shipped, Told, differences, read_changelog

SUMS = ("count", "bytes", "errors")


def request_table_faults(flow: Shipped, requests: list[CountedRequest], folder: Path) -> Iterator[str]:
    """Compare every summary of every key in every window of the tables that peers count, too."""
    modules = [f"tables.{table}:{table}" for table in TABLES]
    found = read_changelog(flow, modules, folder)
    for table in TABLES:
        for window in WINDOWS:
            expected = without_sketches(cells_of(table, requests, window))
            cells = without_sketches(found[table].get(window, {}))
            yield from differences(f"{table}, window {window}", cells, expected)


def counted_faults(
    cells: Iterable[tuple[str, str, int, str, Told]], requests: list[CountedRequest]
) -> Iterator[str]:
    """Compare what a peer counted: counts and sums exactly, clients within the 5 % of a sketch."""
    found: defaultdict[tuple[str, str], dict[WindowEntry, Told]] = defaultdict(dict)
    for table, window, start, key, told in cells:
        found[table, window][key, start] = told
    for table in TABLES:
        for window in WINDOWS:
            expected = cells_of(table, requests, window)
            here = found[table, window]
            yield from differences(f"{table}, window {window}", _sums(here), _sums(expected))
            far = [cell for cell, told in expected.items() if not _is_near(here.get(cell, {}), told)]
            if far:
                yield f"{table}, window {window}: {len(far)} estimates of clients are wrong, {far[0]} is one"


def _sums(cells: Mapping[WindowEntry, Told]) -> dict[WindowEntry, object]:
    return {cell: tuple(told[name] for name in SUMS) for cell, told in cells.items()}


def _is_near(found: Told, expected: Told) -> bool:
    wanted = expected.get("distinct_clients")
    if wanted is None:
        return True
    return bool(abs(found.get("distinct_clients", 0) - wanted) <= max(1, 0.05 * wanted))
