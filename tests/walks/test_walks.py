"""Walks over bytes from outside: the list of them is complete."""

from walks.all_walks import AREAS, walks_of
from walks.walkers import Called, Walker, walkers

SIZE = 3_000

BOUNDED = {
    "a header, a path or a query, of which the server takes 8 KiB": {
        *("analytics/ranking.py:parse", "analytics/span.py:_read", "web/own_names.py:_place"),
        "web/rules.py:followed",
    },
    "what is written by who runs the worker": {
        *("access/access_file.py:account", "access/access_file.py:token", "masking.py:masked_setting"),
    },
    "our own declarations": {"web/json_schema.py:value_schema", "web/route.py:path"},
    "a loop over what waits, or copies pieces": {
        *("access/check_turns.py:_hand_over", "inputs/files.py:_pieces", "inputs/pipes.py:_copied"),
        "inputs/s3_objects.py:_pieces",
    },
}
"""Why the other walkers have little to do, whatever is sent."""


def walk_all() -> frozenset[Walker]:
    """Walk over a short input of each case; return which functions were called."""
    with Called() as called:
        for area in AREAS:
            for walk in walks_of(area).values():
                for make in walk.worst.values():
                    walk.run(make(SIZE))
    return called.names


def test_every_function_that_searches_or_loops_over_bytes_from_outside_is_counted():
    """A new one belongs into the walks, with its worst cases; else nobody counts what it does with 4 MB."""
    bounded = {Walker(*name.split(":")) for names in BOUNDED.values() for name in names}
    assert not bounded - walkers(), "these do not search or loop any more"
    walked = walk_all()
    assert sorted(walkers() - walked - bounded) == [], "these are in no walk"
    assert sorted(walked & bounded) == [], "these are in a walk"
