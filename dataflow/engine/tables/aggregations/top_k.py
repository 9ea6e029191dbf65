"""Top k: the most frequent values with their counts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from msgspec import msgpack

from dataflow.engine.tables.aggregations.base import Aggregation, Sketch, datasketches
from dataflow.engine.tables.labels import labels

EXACT: Final = 1_024
"""Different values of one entry up to which the counts are exact."""

LG_COUNTERS: Final = 11
"""Of 2**11 places 1,536 are used: a count is too high by 0.18 % of all rows at most."""

State: TypeAlias = "Counter[str] | Sketch"  # a datasketches.frequent_strings_sketch


class TopK(Aggregation[State, "Counter[str]"]):
    """The k most frequent values of a column, as texts.

    Exact up to `EXACT` different values, then a sketch of frequent items.
    """

    spillable = True

    def __init__(self, column: str, k: int = 10) -> None:
        super().__init__(column)
        if not 1 <= k <= 100:
            raise ValueError(f"k of {column!r} is {k}; expected 1 to 100")
        self.k = k

    def prepare(self, values: Sequence[object]) -> Sequence[object]:
        """Return the label of each value, None for None."""
        if None not in values:
            return labels(values)
        return [None if v is None else text for v, text in zip(values, labels(values), strict=True)]

    def gather(self, groups: Sequence[Sequence[Any]]) -> "list[Counter[str]]":
        """Return how often each value is in each group."""
        return [Counter(value for value in values if value is not None) for values in groups]

    def new(self) -> State:
        """Return counts of nothing."""
        return Counter()

    def fold(self, state: State, delta: "Counter[str]") -> State:
        """Add counts; too many different values become a sketch."""
        if not isinstance(state, Counter):
            return _weigh(state, delta)
        state.update(delta)
        return state if len(state) <= EXACT else _weigh(_sketch(), state)

    def merge(self, state: State, more: State) -> State:
        """Return the counts of both."""
        if isinstance(more, Counter):
            return self.fold(state, more)
        if isinstance(state, Counter):
            state = _weigh(_sketch(), state)
        state.merge(more)
        return state

    def encode(self, state: State) -> bytes:
        """Return the counts, or the sketch."""
        if isinstance(state, Counter):
            return b"x" + msgpack.encode(dict(state))
        return b"f" + bytes(state.serialize())

    def decode(self, packed: object) -> State:
        """Return the counts or the sketch."""
        raw = cast("bytes", packed)
        if raw[:1] == b"x":
            return Counter(msgpack.decode(raw[1:], type=dict[str, int]))
        return datasketches().frequent_strings_sketch.deserialize(raw[1:])

    def result(self, state: State) -> list[dict[str, str | int]]:
        """Return the k values with their counts, the most frequent first."""
        ranked = sorted(_counts(state).items(), key=lambda pair: (-pair[1], pair[0]))
        return [{"value": value, "count": count} for value, count in ranked[: self.k]]


def _sketch() -> Sketch:
    return datasketches().frequent_strings_sketch(LG_COUNTERS)


def _weigh(sketch: Sketch, counts: "Counter[str]") -> Sketch:
    for value, count in counts.items():
        sketch.update(value, count)
    return sketch


def _counts(state: State) -> Mapping[str, int]:
    if isinstance(state, Counter):
        return state
    items = state.get_frequent_items(datasketches().NO_FALSE_NEGATIVES)
    return {value: estimate for value, estimate, _low, _high in items}
