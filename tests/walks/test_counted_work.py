"""Walks over bytes from outside: the work, counted in instructions, grows with the length of the input."""

import os
import shutil
from itertools import pairwise

import pytest
from walks.all_walks import AREAS
from walks.counted_work import work_of

SMALL_BYTES = int(os.environ.get("WALK_BYTES", "0"))
"""The smallest of three inputs, each of which is twice as long as the one before."""
ALIKE = 2.2
"""How many times as much may be done with twice the input."""
BESIDE = 2_000_000
"""Instructions that do not depend on the length alone, as where a table grows."""

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("valgrind") is None, reason="it needs valgrind, which counts"),
    pytest.mark.skipif(not SMALL_BYTES, reason="it takes long: set WALK_BYTES=8192, or more"),
    pytest.mark.timeout(4 * 3_600),
]


@pytest.mark.parametrize("area", AREAS)
def test_twice_the_input_is_twice_the_work(area: str):
    r"""16 KB of `[["\"\"…` silenced every route for twelve seconds; 8 KB of spaces in an object for one."""
    counted = work_of(area, [SMALL_BYTES, 2 * SMALL_BYTES, 4 * SMALL_BYTES])
    assert counted
    steeper = {
        case: work
        for case, work in counted.items()
        if any(large > ALIKE * small + BESIDE for small, large in pairwise(work))
    }
    assert not steeper
