"""Worker processes: whether those that members of the group speak of still run."""

import os
from pathlib import Path

import aiohttp
import faust
import msgspec
from yarl import URL

from dataflow.engine.address import is_loopback
from dataflow.engine.member_data import WorkerProcess, this_process
from dataflow.engine.options import EngineOptions
from dataflow.errors import UNREADABLE

PROCESS_PATH = "/_process"
"""Where a worker tells which process it is."""

ANSWER_SECONDS = 1.0


class WorkerProcesses:
    """Asks workers which process they are."""

    def __init__(self, app: faust.App, options: EngineOptions) -> None:
        self._app = app
        self._options = options

    async def at(self, url: str) -> WorkerProcess | None:
        """Return the process that answers there; None if nobody does, or not in time."""
        try:
            return await self._ask(url)
        except (aiohttp.ClientError, OSError, TimeoutError, *UNREADABLE):
            return None

    async def is_alive(self, process: WorkerProcess, url: str) -> bool | None:
        """Tell whether a process that listened there runs; None where that cannot be told.

        A machine that does not answer proves nothing, nor does a process that is frozen.
        """
        if process.machine == this_process().machine:
            return is_running(process.pid)
        if is_loopback(URL(url).host or ""):
            return None  # who asks there, asks itself
        try:
            return await self._ask(url) == process
        except aiohttp.ClientConnectorError as error:
            return False if isinstance(error.os_error, ConnectionRefusedError) else None
        except (aiohttp.ClientError, OSError, TimeoutError, *UNREADABLE):
            return None

    async def _ask(self, url: str) -> WorkerProcess:
        address = f"{url.rstrip('/')}{PROCESS_PATH}"
        timeout = aiohttp.ClientTimeout(ANSWER_SECONDS)
        headers = self._options.peer_headers("GET", address)
        async with self._app.http_client.get(address, headers=headers, timeout=timeout) as reply:
            return msgspec.json.decode(await reply.read(), type=WorkerProcess)


def is_running(pid: int) -> bool:
    """Tell whether a process of this machine runs; one that was killed and not yet waited for does not."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        os.kill(pid, 0)
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except PermissionError:
        return True  # another user's
    except OSError:
        return False
