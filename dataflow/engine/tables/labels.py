"""Labels: short texts that stand for the values of a key column in every system."""

from collections.abc import Sequence
from typing import Final, cast

NONE: Final = "(none)"
"""The key of the rows that have none."""

OTHER: Final = "(other)"
"""The key of what a full window holds no longer apart."""

LONGEST: Final = 200
"""Characters of a label; a longer one is cut and ends with an ellipsis."""


def label(value: object) -> str:
    """Return the text that stands for this value: bounded, and valid Unicode."""
    if value is None:
        return NONE
    text = str(value)
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    # a lone surrogate, which JSON can escape, cannot be written as UTF-8
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def labels(values: Sequence[object]) -> Sequence[str]:
    """Return the label of each value; the sequence itself where each is one already."""
    different = cast("set[str]", set(values))
    try:
        if "".join(different).isascii() and max(map(len, different), default=0) <= LONGEST:
            return cast("Sequence[str]", values)
    except TypeError:
        pass  # they are not all texts
    return [label(value) for value in values]


def rank(key: str) -> tuple[bool, str]:
    """Return what keys are sorted by: their text, `(other)` behind all."""
    return key == OTHER, key


def item_rank(item: tuple[str, object]) -> tuple[bool, str]:
    """Return what keys that come with something else are sorted by."""
    return rank(item[0])
