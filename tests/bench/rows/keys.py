"""K: counts per key in a window of an hour, from ten keys to a million."""

from functools import partial

from contestant import Contestant, by_engine
from flows.keyed import CountedKeys
from inputs import keyed

KEYS = (10, 1_000, 100_000, 1_000_000)

COUNTED_KEYS = tuple(
    Contestant(
        "K", f"dataflow-{keys}", f"**Dataflow**: {keys:,} keys a window", by_engine("count_keys"),
        partial(CountedKeys, keys=keys), keyed(keys), exactly_once=True, app="count_keys",
    )
    for keys in KEYS
)  # fmt: skip
