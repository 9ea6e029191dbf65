"""Connections to the web server: bounded below the limit of open files, to leave some to Kafka and to files.

Who comes while there are too many is answered with 503, within some seconds, and health checks as ever;
who comes while even those are too many waits in the queue of the listening socket.
"""

import resource
from asyncio import AbstractEventLoop, Handle
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM
from math import inf
from random import uniform
from time import monotonic
from typing import Final

from aiohttp.web import AppKey, Request, RequestHandler

from dataflow.logs import get_log

log = get_log(__name__)

CROWDED_SECONDS = 5.0
"""For one that gets only 503: to send its request, and to take the answer."""
SILENT_SECONDS = 60.0
"""For any other, to send the first of its requests."""
LEAST_SHARE = 0.75
LEAST_FORGOTTEN = 1_000
LOG_SECONDS = 10.0
HEALTH = frozenset(("/healthz", "/readyz"))
OUT_OF_FILES = frozenset((EMFILE, ENFILE, ENOBUFS, ENOMEM))


class OpenConnections:
    """How many there may be, which of them get only 503, and how many that were."""

    def __init__(self, most_files: int) -> None:
        self.most = max(most_files * 3 // 4, 1)
        """So many are served."""
        self.most_crowded = max(most_files // 16, 1)
        """So many more are answered with 503."""
        self.open = 0
        self.beginning = 0
        """Of all ports, those whose handshake is not over."""
        self.refused = 0
        """Requests that were answered with 503 since there were too many connections."""
        self.out_of_files = 0
        """How often none could be accepted for want of open files."""
        self.most_seconds = inf
        """After so long, or up to a quarter less, a connection ends with its next answer."""
        self.is_draining = False
        """Each ends with its next answer."""
        self._ends_at: dict[RequestHandler, float] = {}
        self._crowded = set[RequestHandler]()
        self._silent: dict[RequestHandler, Handle] = {}
        self._logged_at = -LOG_SECONDS

    @property
    def has_room(self) -> bool:
        """Tell whether one more can be answered, if only with 503."""
        return self.open < self.most + self.most_crowded

    def ends_after(self, request: Request) -> bool:
        """Tell whether the connection of this request may not stay open for a next one."""
        is_old = monotonic() > self._ends_at.get(request.protocol, inf)
        return self.is_draining or is_old or self.open > self.most // 2

    def add(self, connection: RequestHandler, loop: AbstractEventLoop) -> float:
        """Count one more; return the seconds that it has until its first request."""
        self.open += 1
        is_crowded = self.open > self.most
        if is_crowded:
            self._crowded.add(connection)
        seconds = CROWDED_SECONDS if is_crowded else SILENT_SECONDS
        self._silent[connection] = loop.call_later(seconds, self._end, connection)
        return seconds

    def _end(self, connection: RequestHandler) -> None:
        self._crowded.discard(connection)
        del self._silent[connection]
        connection.force_close()

    def begin(self, request: Request) -> bool:
        """Note that a request has come; tell whether it is served."""
        connection = request.protocol
        if connection in self._crowded:
            if request.path in HEALTH:
                return True
            self.refused += 1
            if self._is_time_to_log():
                log.warning(
                    "Too many connections are open; requests are answered with 503.",
                    open=self.open, most=self.most, refused=self.refused,
                )  # fmt: skip
            return False
        silent = self._silent.pop(connection, None)
        if silent is not None:
            silent.cancel()
            self._note_age(connection)
        return True

    def _note_age(self, connection: RequestHandler) -> None:
        """Give a connection its time; all that have begun together do not end together."""
        if len(self._ends_at) > 2 * self.open + LEAST_FORGOTTEN:
            self._ends_at = {one: at for one, at in self._ends_at.items() if one.transport is not None}
        self._ends_at[connection] = monotonic() + self.most_seconds * uniform(LEAST_SHARE, 1)

    def note_out_of_files(self, error: OSError) -> None:
        """Note that a connection could not be accepted; it waits."""
        self.out_of_files += 1
        if self._is_time_to_log():
            log.warning(
                "No connection can be accepted; trying again.",
                open=self.open, most=self.most, out_of_files=self.out_of_files, error=error,
            )  # fmt: skip

    def _is_time_to_log(self) -> bool:
        is_time = monotonic() >= self._logged_at + LOG_SECONDS
        if is_time:
            self._logged_at = monotonic()
        return is_time


CONNECTIONS: Final = AppKey("connections", OpenConnections)
"""Where the application of a server has them."""


def raise_file_limit() -> int:
    """Allow this process as many open files as it may have; a shell's limit is often 1,024. Return it."""
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    return most_files if most_files != resource.RLIM_INFINITY else 1 << 20
