"""Breakage: breaks a share of the lines, so that no stage can use them."""

import random
from collections.abc import Callable, Sequence

CUT = 24
"""Bytes; behind the request, what is left of a line of a web server would be whole in another format."""

_WAYS: tuple[Callable[[bytes], bytes], ...] = (
    lambda raw: raw[:CUT],  # cut off, as by a writer that died
    lambda raw: raw[:CUT] + b"\xff\xfe",  # cut off in another encoding
    lambda _: b"",
    lambda _: b"null",
    lambda raw: b"[" + raw[:20],
)


def break_some(lines: Sequence[bytes], share: float, rng: random.Random) -> list[bytes]:
    """Return the lines, about this share of them broken, each in one of several ways."""
    chance, choose = rng.random, rng.choice
    return [choose(_WAYS)(line) if chance() < share else line for line in lines]
