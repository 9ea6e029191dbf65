"""Request tables: what a shipped flow has counted in, what is wrong with it out."""

from collections.abc import Iterator
from pathlib import Path

from counted_requests import TABLES, WINDOWS, CountedRequest, cells_of, without_sketches
from flows.flow import Shipped, differences, read_changelog


def request_table_faults(flow: Shipped, requests: list[CountedRequest], folder: Path) -> Iterator[str]:
    """Compare every summary of every key in every window of the four tables."""
    modules = [f"tables.{table}:{table}" for table in TABLES]
    found = read_changelog(flow, modules, folder)
    for table in TABLES:
        for window in WINDOWS:
            expected = without_sketches(cells_of(table, requests, window))
            cells = without_sketches(found[table].get(window, {}))
            yield from differences(f"{table}, window {window}", cells, expected)
