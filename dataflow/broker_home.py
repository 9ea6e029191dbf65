"""The folder of an embedded broker: which one runs on it, and at which address."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from dataflow.errors import Misconfigured
from dataflow.file_locks import locked, try_lock


@dataclass(frozen=True, slots=True)
class LastRun:
    """The broker that runs on a folder or was the last to run there."""

    address: str
    pid: int

    @property
    def port(self) -> int:
        """Return the port of the address."""
        return int(self.address.rpartition(":")[2])


def running_broker(home: Path) -> str | None:
    """Return the ``host:port`` of the embedded broker on this folder, None when none runs.

    It may still be starting.
    """
    if not home.is_dir():
        return None
    with locked(home / "starting.lock"):
        running = try_lock(home / "running.lock")
        if running is None:
            run = last_run(home)
            return run.address if run else None
    os.close(running)
    return None


def claim(home: Path) -> int:
    """Return a descriptor that keeps the folder for the process that inherits it.

    Call it with ``starting.lock`` held. Raises `Misconfigured` naming the process that has the folder.
    """
    running = try_lock(home / "running.lock")
    if running is None:
        run = last_run(home)
        raise Misconfigured(
            f"{home} is in use by the broker with pid {run.pid if run else 'unknown'}; expected no other"
        )
    return running


def last_run(home: Path) -> LastRun | None:
    """Return what ``broker.json`` says, None when there was no run or it is unreadable."""
    try:
        run = json.loads((home / "broker.json").read_text())
        return LastRun(str(run["address"]), int(run["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(home: Path, run: LastRun) -> None:
    """Write ``broker.json``, whole or not at all."""
    fresh = home / "broker.json.new"
    fresh.write_text(json.dumps(asdict(run)))
    fresh.replace(home / "broker.json")
