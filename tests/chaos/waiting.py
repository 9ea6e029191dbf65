"""Waiting: a condition and a deadline in; its value, as soon as it holds, out."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_SECONDS = 0.05


def wait_until(condition: Callable[[], T | None], seconds: float, what: str | Callable[[], str]) -> T:
    """Return the condition's value once it is truthy; fail, saying `what` has not come, at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what() if callable(what) else what}")
        time.sleep(LOOK_SECONDS)
