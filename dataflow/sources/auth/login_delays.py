"""Login delays: after failed logins an address has to wait; the memory for that is bounded."""

import time
from collections import OrderedDict
from collections.abc import Callable

FREE_FAILURES = 3  # somebody may mistype

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
FORGET_SECONDS = 600.0
ADDRESSES = 10_000


class LoginDelays:
    """Doubles the wait of an address with each failure."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.failures = 0  # all failed logins since the start
        self._clock = clock
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_seconds(self, address: str) -> float:
        """Return how long this address has to wait; 0 if it may try."""
        count, at = self._failed.get(address, (0, 0.0))
        if count < FREE_FAILURES:
            return 0.0
        delay = min(FIRST_SECONDS * 2.0 ** min(count - FREE_FAILURES, 16), LONGEST_SECONDS)
        return max(at + delay - self._clock(), 0.0)

    def failed(self, address: str) -> None:
        """Count a failure; the address that failed longest ago is forgotten for it, if need be."""
        self.failures += 1
        count, at = self._failed.pop(address, (0, 0.0))
        now = self._clock()
        self._failed[address] = (1 if now - at > FORGET_SECONDS else count + 1, now)
        if len(self._failed) > ADDRESSES:
            self._failed.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address."""
        self._failed.pop(address, None)
