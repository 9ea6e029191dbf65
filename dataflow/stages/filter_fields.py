"""Filter fields: the fields that rules look at, each with its place among the columns of values."""

from collections.abc import Callable, Sequence

from dataflow.stages.bounded_cache import BoundedCache
from dataflow.stages.filter_rules import Columns
from dataflow.stages.json_values import Value


class Fields:
    """The fields of one document, as rules are compiled."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def column_of(self, field: str, test: Callable[[Value], bool]) -> Callable[[Columns], Sequence[bool]]:
        """Return a function that tests every value of the column of a field."""
        place = self._places.setdefault(field, len(self._places))
        # Values repeat from line to line: most verdicts are one look-up.
        verdict_of = BoundedCache(test).__getitem__
        return lambda columns: list(map(verdict_of, columns[place]))

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, in their places."""
        return tuple(self._places)
