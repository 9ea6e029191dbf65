"""Login delays: after failed logins an address has to wait; the memory for that is bounded."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address

FREE_FAILURES = 3  # somebody may mistype

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
FORGET_SECONDS = 600.0
ADDRESSES = 10_000
IPV6_PREFIX = 64
"""Whoever has an IPv6 address has all of this network."""

Rank = tuple[int, float]
"""Whose password is checked first: who has failed less often, and of those who came first."""


@dataclass(slots=True)
class _Failures:
    count: int
    first_at: float
    last_at: float


class LoginDelays:
    """Doubles the wait of an address with each failure."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.failures = 0  # all failed logins since the start
        self._clock = clock
        self._known: OrderedDict[str, _Failures] = OrderedDict()

    def wait_seconds(self, address: str) -> float:
        """Return how long this address has to wait; 0 if it may try."""
        known = self._known.get(network_of(address))
        if known is None or known.count < FREE_FAILURES:
            return 0.0
        delay = min(FIRST_SECONDS * 2.0 ** min(known.count - FREE_FAILURES, 16), LONGEST_SECONDS)
        return max(known.last_at + delay - self._clock(), 0.0)

    def rank(self, address: str) -> Rank:
        """Return the rank of an address; it is remembered: who comes again is ahead of newer ones."""
        known = self._remember(address)
        return known.count, known.first_at

    def failed(self, address: str) -> None:
        """Count a failure."""
        self.failures += 1
        known = self._remember(address)
        known.count, known.last_at = known.count + 1, self._clock()

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address."""
        self._known.pop(network_of(address), None)

    def _remember(self, address: str) -> _Failures:
        """Return what is known of an address; the one that came longest ago is forgotten, if need be."""
        network, now = network_of(address), self._clock()
        known = self._known.pop(network, None)
        if known is None or now - known.last_at > FORGET_SECONDS:
            known = _Failures(0, now, now)
        self._known[network] = known
        if len(self._known) > ADDRESSES:
            self._known.popitem(last=False)
        return known


def network_of(address: str) -> str:
    """Return what one client has at least: an IPv4 address, or an IPv6 network."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:  # a socket of this machine has none
        return address
    if isinstance(ip, IPv6Address):  # a socket for both families has IPv4 addresses inside of IPv6 ones
        return str(ip.ipv4_mapped or IPv6Network((ip, IPV6_PREFIX), strict=False))
    return address
