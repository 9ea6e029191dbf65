"""State memory: tables, cache and what is not on disk yet, in one bound for all partitions of a worker."""

from collections import Counter
from collections.abc import Iterable
from math import inf
from operator import itemgetter
from time import monotonic
from typing import Final

from dataflow.engine.local_store import LocalStore
from dataflow.engine.state import PartitionState
from dataflow.engine.tables.window_store import WindowStore
from dataflow.logs import get_log

log = get_log(__name__)

CHECK_SECONDS: Final = 1.0
CHECK_SHARE: Final = 0.01
"""Of a core; with thousands of open windows it looks less often."""

SizedWindow = tuple[int, str, WindowStore, int]
"""About how many bytes of memory it takes, table, store and start."""


class StateMemory:
    """First what can be is packed, sealed and forgotten by the cache; then rare keys become `(other)`.

    That is in the next snapshot like all else: a replay does not decide anew.
    """

    def __init__(self, max_bytes: int, local: LocalStore) -> None:
        self.size = 0
        """About how many bytes were taken when it was last checked."""
        self.evicted_keys: Counter[str] = Counter()
        """How many keys have become `(other)`, by table."""
        self._max_bytes = max_bytes
        self._local = local
        self._next_at = -inf
        self._was_above = False

    def check(self, states: Iterable[PartitionState]) -> None:
        """Make room if it is needed; once a second, before snapshots are taken."""
        begun = monotonic()
        if begun < self._next_at:
            return
        stores = [
            (part.table.name, store)
            for state in states
            for part in state.table_partitions.values()
            for store in part.levels.stores
        ]
        windows = [
            (size, name, store, start) for name, store in stores for start, size in store.sizes().items()
        ]
        self._next_at = begun + max(CHECK_SECONDS, (monotonic() - begun) / CHECK_SHARE)
        index_size = sum(store.index_size for _, store in stores)
        self.size = self._local.size + index_size + sum(map(itemgetter(0), windows))
        is_above = self.size > self._max_bytes
        if is_above:
            self._local.cache.clear()
            for _, store in stores:
                store.relieve()
            if self._was_above:
                self._thin_out(windows, self.size - self._max_bytes * 3 // 4)
        self._was_above = is_above

    def _thin_out(self, windows: Iterable[SizedWindow], excess: int) -> None:
        evicted: Counter[str] = Counter()
        for size, table, store, start in sorted(windows, key=itemgetter(0), reverse=True):
            if excess > 0 and (keys := store.thin_out(start)):
                evicted[table] += keys
                excess -= size // 2
        self.evicted_keys += evicted
        if evicted:
            log.warning(
                "Tables would take more memory than allowed; their rarest keys are counted as (other).",
                tables=sorted(evicted),
                keys=evicted.total(),
                max_bytes=self._max_bytes,
            )
