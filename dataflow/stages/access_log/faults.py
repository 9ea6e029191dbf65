"""Faults: a line that does not match in, what was expected where out."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dataflow.errors import InvalidEvent, Reason

_SHOWN = 40


class Step(NamedTuple):
    """One part of a line."""

    name: str
    up_to: re.Pattern[str]
    """Matches the line up to the end of this part."""
    expected: str


def steps_of(parts: Iterable[tuple[str, str, str]]) -> list[Step]:
    """Return the steps of parts that stand in this order: name, pattern and what it expects."""
    steps: list[Step] = []
    so_far = ""
    for name, pattern, expected in parts:
        so_far += f"(?:{pattern})"
        steps.append(Step(name, re.compile(so_far, re.DOTALL), expected))
    return steps


def fault_of(line: str, steps: Sequence[Step]) -> InvalidEvent:
    """Return why `line` is not what `steps` describe: the first part that is not as expected."""
    at = 0
    for step in steps:
        match = step.up_to.match(line)
        if match is None:
            return _unparsable(step.name, line, at, step.expected)
        at = match.end()
    return _unparsable("rest of the line", line, at, "nothing more")


def _unparsable(name: str, line: str, at: int, expected: str) -> InvalidEvent:
    shown = line[at : at + _SHOWN]
    actual = repr(shown) if shown else "missing"
    return InvalidEvent(Reason.UNPARSABLE, f"{name} is {actual} at column {at + 1}; expected {expected}")
