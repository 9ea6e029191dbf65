"""Walks over bytes from outside: the list of them is complete."""

import os
import subprocess
import sys

from walks.counted_work import TESTS
from walks.walkers import Walker, walkers

BOUNDED = {
    "a header, a path or a query, of which the server takes 8 KiB": {
        *("analytics/ranking.py:parse", "analytics/span.py:_read", "web/own_names.py:_place"),
        *("web/rules.py:followed", "web/table_request.py:value"),
    },
    "a path of the file system, which has 4 KiB at most": {"inputs/files.py:_written_as"},
    "what is written by who runs the worker": {
        *("access/access_file.py:account", "access/access_file.py:tokens", "masking.py:masked_setting"),
    },
    "our own declarations": {"web/json_schema.py:value_schema", "web/route.py:path"},
    "a loop over what waits, or copies pieces": {
        *("access/check_turns.py:_hand_over", "inputs/files.py:_pieces", "inputs/pipes.py:_copied"),
        "inputs/s3_objects.py:_pieces",
    },
}
"""Why the other walkers have little to do, whatever is sent."""


def walked() -> frozenset[Walker]:
    """Return which functions walks call in a process of their own: here, formats and times are in caches."""
    path = os.pathsep.join(map(str, (TESTS, TESTS.parent)))
    done = subprocess.run(
        [sys.executable, "-m", "walks.called_walks"],
        env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return frozenset(Walker(*line.split(":")) for line in done.stdout.splitlines())


def test_every_function_that_searches_or_loops_over_bytes_from_outside_is_counted():
    """A new one belongs into the walks, with its worst cases; else nobody counts what it does with 4 MB."""
    bounded = {Walker(*name.split(":")) for names in BOUNDED.values() for name in names}
    assert not bounded - walkers(), "these do not search or loop any more"
    walked_over = walked()
    assert sorted(walkers() - walked_over - bounded) == [], "these are in no walk"
    assert sorted(walked_over & bounded) == [], "these are in a walk"
